/**
 * Files that decide, compute or seal, each with a spec next to it. Tests that start an application cover the
 * others.
 */
const MUTATED = [
  'src/vault/{keys/{data-key,keyring},seal/{cipher,seal},wrappers/*}.ts',
  'src/auth/{caller,rate-limit,tokens/{jwks-keys,recent-tokens,verification-key,verify-token}}.ts',
  'src/payments/stripe-config/{credential-rules,stripe-config}.ts',
];

export default {
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  jest: { configFile: 'jest.mutation.config.mjs' },
  mutate: MUTATED,
  coverageAnalysis: 'perTest',
  // A mutant of a value that is created at load would need every test.
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 20_000,
  reporters: ['clear-text', 'progress'],
  incremental: true,
  incrementalFile: '.stryker-tmp/results.json',
  cleanTempDir: 'always',
  ignorePatterns: ['/bench', '/data', '/dist', '/.typeorm'],
};
