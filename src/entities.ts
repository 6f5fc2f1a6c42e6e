import { AccountEntity } from './accounts/account.entity.js';
import { SessionEntity } from './accounts/session.entity.js';
import { AuditEntryEntity } from './audit/audit-entry.entity.js';
import { AuditHeadEntity } from './audit/audit-head.entity.js';
import { AuditPermitEntity } from './audit/audit-permit.entity.js';
import { IdempotencyKeyEntity } from './idempotency/idempotency-key.entity.js';
import { StripeCustomerEntity } from './payments/billing/stripe-customer.entity.js';
import { LedgerCountEntity } from './payments/ledger/ledger-count.entity.js';
import { LedgerRevenueEntity } from './payments/ledger/ledger-revenue.entity.js';
import { OutboxEventEntity } from './payments/ledger/outbox-event.entity.js';
import { StripeForeignObjectEntity } from './payments/ledger/stripe-foreign-object.entity.js';
import { StripeDisputeEntity } from './payments/ledger/stripe-dispute.entity.js';
import { StripePaymentEntity } from './payments/ledger/stripe-payment.entity.js';
import { StripeSubscriptionEntity } from './payments/ledger/stripe-subscription.entity.js';
import { StripeUserLinkEntity } from './payments/ledger/stripe-user-link.entity.js';
import { StripeKeyAccountEntity } from './payments/stripe-config/stripe-key-account.entity.js';
import { StripeKeyCheckEntity } from './payments/stripe-config/stripe-key-check.entity.js';
import { StripeWebhookEndpointEntity, StripeWebhookEndpointLeaseEntity } from './payments/webhooks/endpoints/webhook-endpoint.entities.js';
import { StripeConfigEntity } from './payments/stripe-config/stripe-config.entity.js';
import { StripeCredentialEntity } from './payments/stripe-config/stripe-credential.entity.js';
import { ReconciliationEntity } from './payments/webhooks/reconciliation.entity.js';
import { WebhookEventEntity } from './payments/webhooks/webhook-event.entity.js';
import { WebhookRefusalEntity } from './payments/webhooks/webhook-refusal.entity.js';
import { TaskLeaseEntity } from './database/task-leases.js';
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
  AuditEntryEntity,
  AuditHeadEntity,
  AuditPermitEntity,
  AccountEntity,
  SessionEntity,
  StripeConfigEntity,
  StripeCredentialEntity,
  StripeKeyCheckEntity,
  StripeKeyAccountEntity,
  StripeWebhookEndpointEntity,
  IdempotencyKeyEntity,
  TaskLeaseEntity,
  StripeCustomerEntity,
  StripeWebhookEndpointLeaseEntity,
  StripeSubscriptionEntity,
  StripePaymentEntity,
  StripeDisputeEntity,
  StripeForeignObjectEntity,
  StripeUserLinkEntity,
  LedgerCountEntity,
  LedgerRevenueEntity,
  OutboxEventEntity,
  WebhookEventEntity,
  WebhookRefusalEntity,
  ReconciliationEntity,
];
