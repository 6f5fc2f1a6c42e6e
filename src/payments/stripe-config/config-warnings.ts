import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';
import {
  CREDENTIAL_RULES,
  type CredentialField,
  type CredentialKind,
  credentialRule,
} from './credential-rules.js';
import type { StoredCredential } from './stripe-config.js';

/**
 * SQL: whether Stripe named another account for the secret key with this fingerprint than for the key that is stored now. What is unknown of
 * either never differs. @param of the row that has `project_id`, `mode` and the fingerprint in `column`
 */
export const isOfOtherAccount = (
  of: string,
  column: string,
) => `EXISTS (SELECT 1 FROM stripe_key_accounts former
  JOIN stripe_credentials stored ON stored.project_id = former.project_id AND stored.mode = former.mode
    AND stored.kind = 'secret_key' AND stored.slot = 0
  JOIN stripe_key_accounts present ON present.project_id = stored.project_id AND present.mode = stored.mode
    AND present.fingerprint = stored.fingerprint
  WHERE former.project_id = ${of}.project_id AND former.mode = ${of}.mode AND former.fingerprint = ${of}.${column}
    AND present.account_id <> former.account_id)`;

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
