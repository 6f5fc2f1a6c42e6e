import { suiteOf } from '../harness/jest/suite.js';

suiteOf('e2e/gateway');
