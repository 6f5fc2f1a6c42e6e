import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const SECRET = `whsec_${Buffer.from('a'.repeat(32)).toString('base64')}`;
const [, SAMPLE = ''] = /```ts\n(.*?)```/s.exec(readFileSync('docs/events.md', 'utf8')) ?? [];

/** Signs a body, and reads it with the sample, once unchanged and once changed. */
const CALLS = `
const secret = ${JSON.stringify(SECRET)};
const body = JSON.stringify({ id: 'event-1', type: 'payment.succeeded', data: {} });
const now = new Date();
const headers = {
  'webhook-id': 'event-1',
  'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
  'webhook-signature': new Webhook(secret).sign('event-1', now, body),
};
const attempt = (text, given = headers) => {
  try {
    return readEvent(text, given, secret).type;
  } catch (error) {
    return error.constructor.name;
  }
};
const old = { ...headers, 'webhook-timestamp': '1700000000' };
console.log(JSON.stringify([attempt(body), attempt(body + ' '), attempt(body, old)]));
`;

it('has a TypeScript sample that verifies events, as printed', () => {
  // Inside of the repository, so that Node finds the package.
  const folder = mkdtempSync(join('node_modules', '.cache-events-document-'));
  try {
    const { outputText, diagnostics } = ts.transpileModule(SAMPLE, {
      reportDiagnostics: true,
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    expect(diagnostics).toEqual([]);
    const file = join(folder, 'sample.mjs');
    writeFileSync(file, outputText + CALLS);
    expect(JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8' }))).toEqual([
      'payment.succeeded',
      'WebhookVerificationError',
      'WebhookVerificationError',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
