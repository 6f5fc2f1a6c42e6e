import { suiteOf } from '../harness/jest/suite.js';

suiteOf('integration/database', 'integration/history');
