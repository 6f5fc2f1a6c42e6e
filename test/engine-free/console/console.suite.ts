import { suiteOf } from '../../harness/jest/suite.js';

suiteOf('engine-free/console');
