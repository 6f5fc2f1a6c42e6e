import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../../common/ids.js';
import { Database, exec, query, type Steps } from '../../../database/database.js';
import type { HistoryEvent } from '../../../history/history-entry.js';
import { HistoryTrail } from '../../../history/history-trail.js';
import { EventLog } from '../../events/event-log.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { configWarnings } from '../stripe-config.js';
import { FIND as FIND_CONFIG, RAISE_VERSION_ALONE, toConfig } from '../stripe-config.statements.js';
import {
  type Check,
  FIND_ACCOUNT,
  FIND_STATES,
  FORGET,
  KEEP_ACCOUNT,
  LEARN,
  RECORD_AGAIN,
  RECORD_NEWS,
  WAS_REFUSED,
  refreshHealth,
} from './key-health.statements.js';
import type { CheckedBy, KeyIdentity, KeyVerdict } from './key-probe.js';

const MAX_NAME_LENGTH = 255;

/** Last known state of one mode's connection to Stripe. */
export interface ConnectionState {
  readonly mode: StripeMode;
  readonly hasSecretKey: boolean;
  /** Last check of the stored key. Checks of earlier keys are ignored. */
  readonly check: Check | null;
  readonly formerSecretValidUntil: Date | null;
}

/** A verdict to record. */
export interface KeyCheck {
  readonly key: KeyIdentity;
  readonly verdict: KeyVerdict;
  readonly by: CheckedBy;
  /** The fingerprint of the account that Stripe reported. */
  readonly accountFingerprint: string | undefined;
  /** For the history. Written for a key in use only if it is a new refusal or changes the warnings. */
  readonly event: HistoryEvent;
}

@Injectable()
export class KeyHealthRepository {
  constructor(
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly log: EventLog,
  ) {}

  /**
   * Records a verdict, if the key is still the stored one.
   * Sends an event if the verdict is new: the first one on this key, or a different one.
   * @returns whether the account is new
   */
  record(projectId: ProjectId, check: KeyCheck): Promise<{ isAccountNews: boolean }> {
    return this.database.transaction(() => this.#record(projectId, check));
  }

  async forget(projectId: ProjectId, mode: StripeMode): Promise<void> {
    await this.database.transaction(function* () {
      yield* exec(FORGET, [projectId, mode]);
      yield* refreshHealth(projectId);
    });
  }

  async findByProject(projectId: ProjectId): Promise<ConnectionState[]> {
    const rows = await this.database.query(FIND_STATES, [projectId, new Date()]);
    return rows.map(({ mode, keyFingerprint, formerSecretValidUntil, ...check }) => ({
      mode,
      hasSecretKey: keyFingerprint !== null,
      formerSecretValidUntil,
      check: check.valid === null ? null : check,
    }));
  }

  /** Finds what is known of the stored secret key's account. @returns `undefined` without a secret key */
  async findAccount(projectId: ProjectId, mode: StripeMode) {
    const [key] = await this.database.query(FIND_ACCOUNT, [projectId, mode]);
    return key;
  }

  *#record(projectId: ProjectId, { key, verdict, by, accountFingerprint, event }: KeyCheck) {
    const { valid, account, message } = verdict;
    const ids = [projectId, key.mode, key.fingerprint];
    const accountColumns = [account?.id ?? null, storable(account?.name)];
    const values = [...ids, valid, ...accountColumns, event.at, by, valid ? null : message];
    const chain = yield* this.history.lockChain(projectId);
    const wasRefused = valid && (yield* query(WAS_REFUSED, [projectId, key.mode])).length > 0;
    const isNews = (yield* query(RECORD_NEWS, values)).length > 0;
    const tenant = { projectId, mode: key.mode };
    if (isNews && !valid)
      yield* this.log.add(['credentials.invalid', { ...tenant, reason: message }], event.at);
    if (isNews && wasRefused) yield* this.log.add(['credentials.recovered', tenant], event.at);
    if (isNews) yield* refreshHealth(projectId);
    else if (!(valid && by === 'use')) yield* query(RECORD_AGAIN, values);
    const before = yield* warningsOf(projectId);
    const isAccountNews =
      account !== undefined && (yield* query(KEEP_ACCOUNT, [...ids, account.id, event.at])).length > 0;
    yield* query(LEARN, [...ids, accountFingerprint ?? null, valid || account !== undefined]);
    const areWarningsNews = before !== (yield* warningsOf(projectId));
    // The `ETag` covers the warnings.
    const [raised] = areWarningsNews ? yield* query(RAISE_VERSION_ALONE, [projectId]) : [];
    if (by !== 'use' || (isNews && !valid) || raised)
      yield* chain.append({ ...event, details: { ...event.details, ...raised } });
    return { isAccountNews };
  }
}

function* warningsOf(projectId: ProjectId): Steps<string> {
  const [row] = yield* query(FIND_CONFIG, [projectId]);
  return JSON.stringify(row && configWarnings(toConfig(row).credentials));
}

/** Drops NUL and cuts between characters, because Stripe limits neither length nor characters of a name. */
function storable(name: string | null | undefined): string | null {
  return name ? [...name.replaceAll('\0', '')].slice(0, MAX_NAME_LENGTH).join('') : null;
}
