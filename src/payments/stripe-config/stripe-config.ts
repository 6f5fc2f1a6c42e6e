import type { Actor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import type { RowOf } from '../../database/columns.js';
import type { Steps } from '../../database/database.js';
import type { HistoryField } from '../../history/history-entry.js';
import type { HistoryChain } from '../../history/history-trail.js';
import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';
import {
  CREDENTIAL_RULES,
  type CredentialField,
  type CredentialKind,
  credentialRule,
} from './credential-rules.js';
import type { StripeConfigEntity, StripeCredentialEntity } from './stripe-config.entities.js';

/** Credential columns for masks, warnings and conditions. */
export const SHOWN_COLUMNS = [
  'mode',
  'kind',
  'mask',
  'fingerprint',
  'accountFingerprint',
  'replacedAccountFingerprint',
  'looksCutOff',
  'writtenAt',
] as const satisfies (keyof StripeCredentialEntity)[];

/** A stored credential without its sealed value. */
export type StoredCredential = Pick<RowOf<StripeCredentialEntity>, (typeof SHOWN_COLUMNS)[number]> & {
  /** Whether another project of the owner has a secret key of this account and mode. */
  readonly sharesAccount?: boolean;
};

export interface StripeConfig extends RowOf<StripeConfigEntity> {
  readonly credentials: readonly StoredCredential[];
}

/** Values to store, by field. Absent and `null` fields stay unchanged. */
export type CredentialChanges = { readonly [Field in CredentialField]?: string | null };

export interface WriteOptions extends Precondition {
  /** Actor for the history; by default another module of this process. */
  readonly actor?: Actor;
}

export interface SaveOptions extends WriteOptions {
  /**
   * Seconds that a replaced webhook secret stays valid; by default the operator's setting. 0 also ends
   * running overlaps: in modes with a given webhook secret or, without any, in both.
   */
  readonly webhookSecretOverlap?: number | undefined;
  /** Whether to verify the secret keys with Stripe before the save, and for whom: see `CheckOptions`. */
  readonly verify?: boolean | 'for a guest';
  /** Runs in the transaction of the save, which an error rolls back. The project is locked. */
  readonly within?: ((chain: HistoryChain) => Steps<void>) | undefined;
}

/** Change of an endpoint that is stored in one transaction with its signing secret. */
export interface EndpointChange {
  /** `we_…` */
  readonly endpointId: string;
  readonly actor: Actor;
  /** Writes the endpoint inside the transaction. @returns whether it was written */
  readonly write: () => Steps<boolean>;
}

/** Fields for the history in the order of the rules, each with the last characters of its mask. */
export function historyFields(
  credentials: readonly Pick<StoredCredential, 'mode' | 'kind' | 'mask'>[],
): HistoryField[] {
  // A database returns deleted rows in any order.
  return CREDENTIAL_RULES.flatMap((rule) =>
    credentials
      .filter(({ mode, kind }) => mode === rule.mode && kind === rule.kind)
      .map(({ mask }) => {
        const lastFour = mask.slice(mask.indexOf('...') + 3);
        return { field: rule.field, ...(lastFour && { last_four: lastFour }) };
      }),
  );
}

/** Version of a project that never had a configuration. */
const NO_VERSION = 0;

/** State that preconditions check; `undefined` if the project never had a configuration. */
export type ConfigState = Pick<StripeConfig, 'version' | 'isActive'> | undefined;

/** Versions, with 0 for no configuration, or `*` for any active configuration. */
type Versions = '*' | readonly number[];

/** Condition that a configuration must meet for a call to proceed. */
export interface Precondition {
  /** The version must be one of these. */
  readonly ifMatch?: Versions;
  /** The version must be none of these. */
  readonly ifNoneMatch?: Versions;
}

/** @returns the failed condition, or `undefined` */
export function failedCondition(
  { ifMatch, ifNoneMatch }: Precondition,
  state: ConfigState,
): keyof Precondition | undefined {
  if (ifMatch !== undefined && !includes(ifMatch, state)) return 'ifMatch';
  if (ifNoneMatch !== undefined && includes(ifNoneMatch, state)) return 'ifNoneMatch';
  return undefined;
}

/** @throws DomainError `precondition_failed` with the current entity tag */
export function assertCondition(precondition: Precondition, state: ConfigState): void {
  const failed = failedCondition(precondition, state);
  if (!failed) return;
  const message =
    failed === 'ifMatch'
      ? 'The configuration is not the one that If-Match names: somebody else was faster; read it again.'
      : state
        ? 'If-None-Match forbids this: there is such a configuration already.'
        : 'If-None-Match forbids this: the project never had a configuration, which is what "0" stands for.';
  throw new DomainError('precondition_failed', message, { entityTag: entityTagOf(state) });
}

/**
 * Strong (RFC 9110, section 8.8.3), because a project never reuses a version. The modes with the warning
 * `account_shared` follow, because it comes and goes with other projects: `"7-test"`.
 */
export function entityTagOf(state: ConfigState | StripeConfig): string {
  return `"${[state?.version ?? NO_VERSION, ...sharingModes(state)].join('-')}"`;
}

/** Modes whose secret key has the warning `account_shared`. Without credentials, none are known. */
export function sharingModes(state: ConfigState | StripeConfig): StripeMode[] {
  const credentials = state && 'credentials' in state ? state.credentials : [];
  return STRIPE_MODES.filter((mode) => credentials.some((each) => each.mode === mode && each.sharesAccount));
}

function includes(versions: Versions, state: ConfigState): boolean {
  return versions === '*' ? state?.isActive === true : versions.includes(state?.version ?? NO_VERSION);
}

export const WARNING_CODES = [
  'different_accounts',
  'account_changed',
  'account_shared',
  'endpoint_of_other_account',
  'same_webhook_secret',
  'missing_webhook_secret',
  'looks_cut_off',
] as const;

export interface ConfigWarning {
  code: (typeof WARNING_CODES)[number];
  field: CredentialField;
  message: string;
}

/** Whether both accounts are known and differ. */
export function areOfDifferentAccounts(
  one: StoredCredential | undefined,
  other: StoredCredential | undefined,
): boolean {
  return (
    Boolean(one?.accountFingerprint && other?.accountFingerprint) &&
    one?.accountFingerprint !== other?.accountFingerprint
  );
}

/** Warns about valid but suspicious credentials. Compares fingerprints, so nothing is unsealed. */
export function configWarnings(credentials: readonly StoredCredential[]): ConfigWarning[] {
  const find = (mode: StripeMode, kind: CredentialKind) =>
    credentials.find((stored) => stored.mode === mode && stored.kind === kind);
  const warnings: ConfigWarning[] = [];
  for (const mode of STRIPE_MODES) {
    const secretKey = find(mode, 'secret_key');
    const publishableKey = find(mode, 'publishable_key');
    const webhookSecret = find(mode, 'webhook_secret');
    if (areOfDifferentAccounts(secretKey, publishableKey)) {
      warnings.push({
        code: 'different_accounts',
        field: `${mode}_publishable_key`,
        message: `The ${mode} publishable key and the ${mode} secret key belong to different Stripe accounts; payments started in the browser will not be found by the server.`,
      });
    }
    if (
      secretKey?.accountFingerprint &&
      secretKey.replacedAccountFingerprint &&
      secretKey.accountFingerprint !== secretKey.replacedAccountFingerprint
    ) {
      warnings.push({
        code: 'account_changed',
        field: `${mode}_secret_key`,
        message: `The ${mode} secret key belongs to another Stripe account than the one before; existing ${mode} subscriptions and customers stay in the old account and can't be reached with this key.`,
      });
    }
    if (secretKey?.sharesAccount) {
      warnings.push({
        code: 'account_shared',
        field: `${mode}_secret_key`,
        message: `Another project of yours uses the same Stripe account in ${mode} mode, so each gets the events of both; what has no metadata.project_id is shown in both. Use an account or a sandbox for each.`,
      });
    }
    if (areOfDifferentAccounts(secretKey, webhookSecret)) {
      warnings.push({
        code: 'endpoint_of_other_account',
        field: `${mode}_webhook_secret`,
        message: `The ${mode} webhook endpoint was made in another Stripe account than that of the ${mode} secret key, so events of this one don't arrive; make a new endpoint with POST …/webhook-endpoints, and remove the former one in the dashboard of its account.`,
      });
    }
    if (secretKey && !webhookSecret) {
      warnings.push({
        code: 'missing_webhook_secret',
        field: `${mode}_webhook_secret`,
        message: `There is a ${mode} secret key but no ${mode} webhook secret; Stripe's webhooks for ${mode} mode will be refused until it is set.`,
      });
    }
  }
  const liveWebhookSecret = find('live', 'webhook_secret');
  if (liveWebhookSecret && find('test', 'webhook_secret')?.fingerprint === liveWebhookSecret.fingerprint) {
    warnings.push({
      code: 'same_webhook_secret',
      field: credentialRule('live', 'webhook_secret').field,
      message:
        'Test and live mode have the same webhook secret; Stripe gives every endpoint its own, so one of them is wrong.',
    });
  }
  for (const { field, mode, kind } of CREDENTIAL_RULES) {
    if (find(mode, kind)?.looksCutOff) {
      warnings.push({
        code: 'looks_cut_off',
        field,
        message: `The ${mode} ${kind.replace('_', ' ')} is shorter than Stripe makes them; it may have been cut off when it was copied.`,
      });
    }
  }
  return warnings;
}
