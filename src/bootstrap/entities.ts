import { FailedLoginEntity } from '../accounts/attempts/failed-login.entity.js';
import { AccountEntity, SessionEntity } from '../accounts/account.entities.js';
import { OpaqueKeyEntity } from '../auth/opaque-keys/opaque-key.entity.js';
import { TaskLeaseEntity } from '../database/periodic-tasks.js';
import { HistoryEntryEntity, HistoryHeadEntity, HistoryPermitEntity } from '../history/history.entities.js';
import { IdempotencyKeyEntity } from '../payments/idempotency/idempotency-key.entity.js';
import { StripeCustomerEntity } from '../payments/billing/customers/stripe-customer.entity.js';
import { GatewayKeyEntity, GatewayUsageEntity } from '../payments/gateway/keys/gateway-key.entity.js';
import { ConnectLinkEntity } from '../payments/connect/connect-link.entity.js';
import { EventDeliveryEntity } from '../payments/events/delivery/event-delivery.entity.js';
import { EventDestinationEntity } from '../payments/events/destinations/event-destination.entity.js';
import { EventEntity } from '../payments/events/event.entity.js';
import { StripeForeignObjectEntity } from '../payments/ledger/store/ownership.entities.js';
import {
  StripeDisputeEntity,
  StripePaymentEntity,
  StripeSubscriptionEntity,
} from '../payments/ledger/store/ledger.entities.js';
import {
  LedgerActiveDayEntity,
  LedgerCountEntity,
  LedgerDayEntity,
  LedgerRevenueEntity,
} from '../payments/ledger/store/statistics.entities.js';
import { StripeUserLinkEntity } from '../payments/ledger/store/ownership.entities.js';
import {
  StripeKeyAccountEntity,
  StripeKeyCheckEntity,
} from '../payments/stripe-config/keys/key-health.entities.js';
import {
  StripeConfigEntity,
  StripeCredentialEntity,
} from '../payments/stripe-config/stripe-config.entities.js';
import {
  StripeWebhookEndpointEntity,
  StripeWebhookEndpointLeaseEntity,
} from '../payments/webhooks/endpoints/webhook-endpoint.entities.js';
import { WebhookEventEntity } from '../payments/webhooks/events/webhook-event.entity.js';
import { WebhookRefusalEntity } from '../payments/webhooks/refusals/webhook-refusal.entity.js';
import { ReconciliationEntity } from '../payments/webhooks/reconcile/reconciliations.repository.js';
import { StripeConnectionCheckEntity } from '../payments/webhooks/monitor/connection-check.entity.js';
import { MailCountEntity } from '../mail/mail-count.entity.js';
import { ProjectInvitationEntity } from '../projects/members/invitation.entity.js';
import { AlertMailEntity } from '../payments/alerts/alert-mail.entity.js';
import { VerifiedEmailEntity } from '../auth/tokens/verified-email.entity.js';
import { MemberNotificationEntity, ProjectMemberEntity } from '../projects/members/member.entity.js';
import { ProjectEntity } from '../projects/project.entity.js';
import { ServiceAccountEntity } from '../projects/service-accounts/service-account.entity.js';
import { DataKeyEntity, RetiredDataKeyEntity } from '../vault/keys/data-key.entity.js';
import { KeyringNodeEntity } from '../vault/keys/keyring-nodes.repository.js';

/** Every table. A test compares the entities with the migrated schema. */
export const ENTITIES = [
  ProjectEntity,
  ProjectMemberEntity,
  MemberNotificationEntity,
  VerifiedEmailEntity,
  AlertMailEntity,
  ProjectInvitationEntity,
  MailCountEntity,
  DataKeyEntity,
  RetiredDataKeyEntity,
  KeyringNodeEntity,
  HistoryEntryEntity,
  HistoryHeadEntity,
  HistoryPermitEntity,
  AccountEntity,
  SessionEntity,
  FailedLoginEntity,
  OpaqueKeyEntity,
  ServiceAccountEntity,
  GatewayKeyEntity,
  GatewayUsageEntity,
  ConnectLinkEntity,
  StripeConfigEntity,
  StripeCredentialEntity,
  StripeKeyCheckEntity,
  StripeKeyAccountEntity,
  StripeWebhookEndpointEntity,
  StripeConnectionCheckEntity,
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
  LedgerDayEntity,
  LedgerActiveDayEntity,
  EventEntity,
  EventDestinationEntity,
  EventDeliveryEntity,
  WebhookEventEntity,
  WebhookRefusalEntity,
  ReconciliationEntity,
];
