import { SEALED_ANSWERS } from './idempotency/idempotent-answers.js';
import { SEALED_CREDENTIALS } from './payments/stripe-config/credential-seal.js';
import { SEALED_PAYLOADS } from './payments/webhooks/event-payloads.js';

/** Everything that is sealed. What is not in this list would stay under its old data key for ever; a test holds it against the foreign keys. */
export const SEALED_COLUMNS = [SEALED_CREDENTIALS, SEALED_ANSWERS, SEALED_PAYLOADS];
