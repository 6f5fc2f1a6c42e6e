export type { components, paths } from './api.js';
export { createClient, type Client, type ClientOptions } from './client.js';
export {
  type ErrorCode,
  type Problem,
  TillkeeperConnectionError,
  TillkeeperError,
  TillkeeperValidationError,
} from './errors.js';
export { stripeFor, type StripeForOptions } from './stripe-for.js';
export {
  type EventHeaders,
  EventVerificationError,
  type TillkeeperEvent,
  verifyEvent,
} from './verify-event.js';
