import { onEachEngine, reporters } from './jest.config.mjs';

// Counts that take too long for every run.
export default {
  projects: onEachEngine('<rootDir>/test/soak/*.soak.ts'),
  testTimeout: 3_600_000,
  reporters: [...reporters, '<rootDir>/test/harness/jest/soak.reporter.mjs'],
};
