import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const DOCUMENT = 'docs/using-from-modules.md';

/** The TypeScript blocks of the document. Each begins with a comment that names its file. */
const BLOCKS = [...readFileSync(DOCUMENT, 'utf8').matchAll(/```ts\n(?:\/\/ (\S+)\n)?(.*?)```/gs)].map(
  ([, name = '', text = '']) => ({
    name,
    text,
  }),
);

function problemsOf(files: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile('tsconfig.json', (path) => readFileSync(path, 'utf8')) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, resolve('.'));
  const host = ts.createCompilerHost({ ...options, incremental: false, tsBuildInfoFile: undefined });
  const { readFile, fileExists } = host;
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.fileExists = (path) => files.has(path) || fileExists(path);
  const program = ts.createProgram(
    [...files.keys()],
    { ...options, incremental: false, tsBuildInfoFile: undefined },
    host,
  );
  return [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    const diagnostics = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  });
}

it('names the file of each TypeScript block', () => {
  expect(BLOCKS.length).toBeGreaterThan(1);
  for (const { name } of BLOCKS) expect(name).toMatch(/^src\/\S+\.ts$/);
});

it('compiles unchanged', () => {
  const files = BLOCKS.map(({ name, text }) => [name, text] as const);
  // Proves that the compiler resolves imports; otherwise it would find no errors in the other blocks.
  const broken = ['src/broken.ts', "import { Nothing } from './common/secret.js';\n"] as const;
  const problems = problemsOf(
    new Map([...files, broken].map(([name, text]) => [join(resolve('.'), name), text])),
  );
  expect(problems).toEqual([expect.stringContaining("has no exported member 'Nothing'")]);
}, 120_000);

it('shows the example that the tests run', () => {
  const tested = readFileSync('test/harness/example-module.ts', 'utf8').replaceAll("'../../src/", "'../");
  expect(BLOCKS[0]?.text).toBe(tested);
});
