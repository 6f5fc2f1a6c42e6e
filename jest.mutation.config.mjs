import { project } from './jest.config.mjs';

export default {
  ...project,
  testMatch: ['<rootDir>/src/{vault,auth,payments/stripe-config,common}/**/*.spec.ts'],
};
