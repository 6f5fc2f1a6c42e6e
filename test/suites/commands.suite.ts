import { suiteOf } from '../harness/jest/suite.js';

suiteOf('integration/cli', 'integration/vault');
