import { SEALED_DESTINATIONS } from './events/destinations/destination-secrets.js';
import { SEALED_ANSWERS } from './idempotency/idempotent-answers.js';
import { SEALED_CREDENTIALS } from './stripe-config/credential-sealer.js';
import { SEALED_PAYLOADS } from './webhooks/events/event-payloads.js';

/**
 * Every sealed column. A rotation of keys reseals only these. A test compares the list with the foreign keys
 * to `data_keys`.
 */
export const SEALED_COLUMNS = [SEALED_CREDENTIALS, SEALED_ANSWERS, SEALED_PAYLOADS, SEALED_DESTINATIONS];
