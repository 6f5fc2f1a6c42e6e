import { project } from './jest.config.mjs';

// The unit specs of what is mutated, and on SQLite the others that hold it without starting processes.
const SPECS = [
  'src/{vault,auth,payments/stripe-config}/**/*',
  'test/e2e/{access,conditional-requests,end-user-tokens,operator-settings,stripe-config,stripe-config-refusals,validated-save}',
  'test/integration/{auth,change-notifications,concurrency,seal-key-life,webhook-secrets}',
];

export default {
  ...project,
  testMatch: SPECS.map((spec) => `<rootDir>/${spec}.spec.ts`),
  setupFiles: ['<rootDir>/test/support/sqlite.setup.ts'],
  testTimeout: 30_000,
};
