import { suiteOf } from '../harness/jest/suite.js';

suiteOf('integration', 'integration/webhooks', 'e2e/config', 'e2e/gateway');
