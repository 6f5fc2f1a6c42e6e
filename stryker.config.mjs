/** What decides, computes or seals, and so has a spec of its own. The rest of the three rooms is held by tests that start an application. */
const MUTATED = [
  'src/vault/{aes-gcm,audit-mac,aws-kms-key-wrapper,data-key,derive-key,fingerprint,keyring,length-prefixed,local-key-wrapper,master-keys,seal,vault-transit-key-wrapper}.ts',
  'src/auth/{end-user,fixed-window.storage,jwks-keys,network-of,recent-tokens,token-claims,token-header,verification-key}.ts',
  'src/payments/stripe-config/{config-row,config-warnings,credential-problem,credential-rules,credential-shape,precondition}.ts',
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
