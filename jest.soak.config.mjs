import { onEachEngine, reporters } from './jest.config.mjs';

// The figures that take too long for every day.
export default {
  projects: onEachEngine('<rootDir>/test/soak/*.soak.ts'),
  testTimeout: 3_600_000,
  reporters: [...reporters, '<rootDir>/test/harness/jest/soak.reporter.mjs'],
};
