import { suiteOf } from '../harness/jest/suite.js';

// `npm test` tries the console on SQLite only.
suiteOf('engine-free/console');
