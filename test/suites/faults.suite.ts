import { suiteOf } from '../harness/jest/suite.js';

suiteOf('faults');
