// What to mutate comes on the command line or is all of it; docs/mutation.md has the figures.
const ROOMS = 'src/{vault,auth,payments/stripe-config}/**/*.ts';

export default {
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  jest: { configFile: 'jest.mutation.config.mjs', enableFindRelatedTests: false },
  mutate: [ROOMS, '!**/*.spec.ts', '!**/*.entity.ts', '!**/*.module.ts', '!**/dto/**', '!**/stripe-config.controller.ts'],
  coverageAnalysis: 'perTest',
  // Stryker can't parse that controller: it takes a decorated parameter apart.
  // Tables, decorators and statements are made when a file is loaded: to try one of them would take every test.
  ignoreStatic: true,
  concurrency: 1,
  // Only what never ends, on a slow machine too.
  timeoutMS: 60_000,
  reporters: ['clear-text', 'progress'],
  incremental: true,
  incrementalFile: '.stryker-tmp/results.json',
  cleanTempDir: 'always',
  ignorePatterns: ['/bench', '/data', '/dist', '/.typeorm'],
};
