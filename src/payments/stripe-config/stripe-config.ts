import type { Actor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import type { RowOf } from '../../database/columns.js';
import type { Steps } from '../../database/database.js';
import type { HistoryField } from '../../history/history-entry.js';
import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';
import {
  CREDENTIAL_RULES,
  type CredentialField,
  type CredentialKind,
  credentialRule,
} from './credential-rules.js';
import type { StripeConfigEntity, StripeCredentialEntity } from './stripe-config.entities.js';

/** The columns of a credential that masks, warnings and conditions need. */
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

/** A stored credential without its seal. */
export type StoredCredential = Pick<RowOf<StripeCredentialEntity>, (typeof SHOWN_COLUMNS)[number]> & {
  /**
   * Whether Stripe reported the account of this secret key for another project of the same owner too, in the
   * same mode.
   */
  readonly sharesAccount?: boolean;
};

export interface StripeConfig extends RowOf<StripeConfigEntity> {
  readonly credentials: readonly StoredCredential[];
}

/** The values to store, by field. Absent and `null` ones stay as they are. */
export type CredentialChanges = { readonly [Field in CredentialField]?: string | null };

export interface WriteOptions extends Precondition {
  /** For the history; another module of the process if absent. */
  readonly actor?: Actor;
}

export interface SaveOptions extends WriteOptions {
  /**
   * Seconds for which a replaced webhook secret stays valid; the operator's setting if absent. 0 also ends
   * running overlaps: in the modes whose webhook secret is given or, without any, in both.
   */
  readonly webhookSecretOverlap?: number | undefined;
  /** Whether Stripe has to accept the secret keys first. */
  readonly verify?: boolean;
  /** Whether `RequestPipe` has checked the values. */
  readonly areChecked?: boolean;
}

/** The part of an endpoint's change that is stored together with its signing secret. */
export interface EndpointChange {
  /** Stripe's id. */
  readonly endpointId: string;
  readonly actor: Actor;
  /** Writes the endpoint inside the transaction. @returns whether it did */
  readonly write: () => Steps<boolean>;
}

/** Credentials as the history names them: the field, and the last characters that their masks show. */
export function historyFields(
  credentials: readonly Pick<StoredCredential, 'mode' | 'kind' | 'mask'>[],
): HistoryField[] {
  return credentials.map(({ mode, kind, mask }) => {
    const lastFour = mask.slice(mask.indexOf('...') + 3);
    return { field: `${mode}_${kind}`, ...(lastFour && { last_four: lastFour }) };
  });
}

/** What a project without a configuration has in place of a version. */
const NO_VERSION = 0;

/** A configuration as far as conditions look at it; `undefined` where the project never had one. */
export type ConfigState = Pick<StripeConfig, 'version' | 'isActive'> | undefined;

/** Versions, 0 for "never had one", or `*` for any configuration that is active. */
type Versions = '*' | readonly number[];

/** What must hold of the configuration for a call to be carried out. */
export interface Precondition {
  /** It has one of these versions. */
  readonly ifMatch?: Versions;
  /** It has none of these versions. */
  readonly ifNoneMatch?: Versions;
}

/** @returns the member that does not hold, `undefined` when all do */
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

/** Strong (RFC 9110, section 8.8.3). The version is never reset, so within one project it says it all. */
export function entityTagOf(state: ConfigState): string {
  return `"${state?.version ?? NO_VERSION}"`;
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

/** Whether both are known to belong to an account, and not to the same one. */
export function areOfDifferentAccounts(
  one: StoredCredential | undefined,
  other: StoredCredential | undefined,
): boolean {
  return (
    Boolean(one?.accountFingerprint && other?.accountFingerprint) &&
    one?.accountFingerprint !== other?.accountFingerprint
  );
}

/** What is valid but looks wrong, told from fingerprints: no seal is opened for it. */
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
