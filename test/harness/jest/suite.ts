import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The longest that a spec asks for: Jest has one timeout for a test file. */
const TIMEOUT_MS = 120_000;

/**
 * Runs the specs of these folders of `test/` as one test file. Loading the application takes longer than most
 * specs, and Jest would load it for each.
 */
export function suiteOf(...folders: string[]): void {
  const specs = folders.flatMap((folder) =>
    readdirSync(join('test', folder))
      .filter((name) => name.endsWith('.spec.ts'))
      .sort()
      .map((name) => join(folder, name)),
  );
  describe.each(specs)('%s', (spec) => {
    jest.requireActual(join(process.cwd(), 'test', spec));
    // A spec of its own would end with its mocks.
    afterAll(() => void jest.restoreAllMocks());
  });
  jest.setTimeout(TIMEOUT_MS);
}
