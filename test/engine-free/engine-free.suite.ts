import { suiteOf } from '../harness/jest/suite.js';

suiteOf('contract', 'engine-free');
