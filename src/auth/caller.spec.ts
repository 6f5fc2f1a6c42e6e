import { createHash } from 'node:crypto';
import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { Actor } from '../common/actor.js';
import { parseProjectId, type ProjectId } from '../common/ids.js';
import { missingToken } from './auth.errors.js';
import { CurrentActor, endUserId } from './caller.js';

const project = (text: string): ProjectId => {
  const id = parseProjectId(text);
  if (!id) throw new Error(`${text} is no UUID.`);
  return id;
};
const PROJECT_ID = project('7b0c2a52-6d0f-4f57-9f0e-1d3f2c5a9b11');
const OTHER_PROJECT_ID = project('7b0c2a52-6d0f-4f57-9f0e-1d3f2c5a9b12');

/** Independent implementation of RFC 9562, section 5.5. */
function nameBased(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest()
    .subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

describe('endUserId', () => {
  it('is the subject in lower case if the subject is a UUID', () => {
    expect(endUserId(PROJECT_ID, '6F1C1D1E-6F0A-4B57-9A3E-0A6F0E6F2B11')).toBe(
      '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11',
    );
    expect(endUserId(PROJECT_ID, '00000000-0000-0000-0000-000000000000')).toBe(
      '00000000-0000-0000-0000-000000000000',
    );
  });

  it('matches the example of RFC 9562', () => {
    // The RFC's example, appendix A.4.
    expect(endUserId(project('6ba7b810-9dad-11d1-80b4-00c04fd430c8'), 'www.example.com')).toBe(
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    );
  });

  it.each([
    ['auth0|5f7c8ec7c33c6c004bbafe82'],
    ['ada@example.com'],
    ['6f1c1d1e6f0a4b579a3e0a6f0e6f2b11'],
    ['用户 😀'],
    ['x'.repeat(255)],
  ])('is the UUIDv5 of any other subject in the project’s namespace: %s', (subject) => {
    expect(endUserId(PROJECT_ID, subject)).toBe(nameBased(PROJECT_ID, subject));
    expect(endUserId(OTHER_PROJECT_ID, subject)).toBe(nameBased(OTHER_PROJECT_ID, subject));
    expect(endUserId(OTHER_PROJECT_ID, subject)).not.toBe(endUserId(PROJECT_ID, subject));
  });

  it('accepts any UUID as a namespace', () => {
    const odd = project('00000000-0000-0000-0000-0000000000ff');
    expect(endUserId(odd, 'user-1')).toBe(nameBased(odd, 'user-1'));
  });
});

class Routes {
  read(@CurrentActor() actor: Actor): Actor {
    return actor;
  }
}

type Arguments = Record<string, { factory: (data: unknown, context: ExecutionContext) => Actor }>;

function actorOf(identity: unknown): Actor | undefined {
  const request = { id: 'request-1', ip: '192.0.2.7', headers: { 'user-agent': 'curl/8.5.0' }, identity };
  const context = { switchToHttp: () => ({ getRequest: () => request }) } as ExecutionContext;
  const [argument] = Object.values(Reflect.getMetadata(ROUTE_ARGS_METADATA, Routes, 'read') as Arguments);
  return argument?.factory(undefined, context);
}

it.each(['developer', 'end_user'])('injects the %s and the origin of the request as the actor', (kind) => {
  const facts = { ip: '192.0.2.7', userAgent: 'curl/8.5.0', requestId: 'request-1' };
  expect(actorOf({ kind, sub: 'somebody' })).toEqual({ kind: 'person', subject: 'somebody', ...facts });
});

it('throws on a route without a token', () => {
  expect(() => actorOf(missingToken())).toThrow('Only a route that asks for a token');
});
