/**
 * Files that decide, compute or seal, and so have a spec beside them. Tests that start an application hold
 * the others.
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
  // What is made when a file is loaded takes every test.
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 20_000,
  reporters: ['clear-text', 'progress'],
  incremental: true,
  incrementalFile: '.stryker-tmp/results.json',
  cleanTempDir: 'always',
  ignorePatterns: ['/bench', '/data', '/dist', '/.typeorm'],
};
