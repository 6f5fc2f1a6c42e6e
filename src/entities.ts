import { IdempotencyKeyEntity } from './idempotency/idempotency-key.entity.js';
import { StripeCustomerEntity } from './payments/billing/stripe-customer.entity.js';
import { StripeKeyCheckEntity } from './payments/stripe-api/stripe-key-check.entity.js';
import { StripeWebhookEndpointLeaseEntity } from './payments/stripe-api/stripe-webhook-endpoint-lease.entity.js';
import { StripeWebhookEndpointEntity } from './payments/stripe-api/stripe-webhook-endpoint.entity.js';
import { StripeConfigEntity } from './payments/stripe-config/stripe-config.entity.js';
import { StripeCredentialEntity } from './payments/stripe-config/stripe-credential.entity.js';
import { ProjectEntity } from './projects/project.entity.js';
import { DataKeyEntity } from './vault/data-key.entity.js';
import { KeyHolderEntity } from './vault/key-holder.entity.js';
import { RetiredDataKeyEntity } from './vault/retired-data-key.entity.js';

/** Every table; what the migrations make is held against it. */
export const ENTITIES = [
  ProjectEntity,
  DataKeyEntity,
  RetiredDataKeyEntity,
  KeyHolderEntity,
  StripeConfigEntity,
  StripeCredentialEntity,
  StripeKeyCheckEntity,
  StripeWebhookEndpointEntity,
  IdempotencyKeyEntity,
  StripeCustomerEntity,
  StripeWebhookEndpointLeaseEntity,
];
