import { Injectable } from '@nestjs/common';
import { DomainError } from '../../../common/errors.js';
import { makeWellFormed } from '../../../common/typed-text.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { type JsonBounds, parseJson } from '../../../http/bodies/json-body.js';
import type { StripeEvent } from '../../ledger/merge/ledger-change.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeAccounts } from '../../stripe-config/keys/stripe-accounts.js';
import type { RefusalReason } from '../refusals/webhook-receiver.errors.js';

/**
 * Outcomes of an event. `unreadable`: this version doesn't know its form. `open`: the owner has to correct
 * the stored key first.
 */
export const OUTCOMES = ['applied', 'ignored', 'unreadable', 'failed', 'open'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Verdict {
  readonly outcome: Outcome;
  /** Never Stripe's own text; `null` for `applied`. */
  readonly reason: string | null;
}

/** An authentic event: its signature was verified, or it was read from Stripe's list. */
export interface ReceivedEvent extends StripeEvent {
  readonly livemode: boolean;
  /** Whether Stripe delivered it. Otherwise it was read from Stripe's list. */
  readonly isDelivered: boolean;
  /** The ids of the accounts that the event names. */
  readonly accountIds: readonly string[];
  /** Reason to ignore the event, independent of its type. */
  readonly ignoredBecause: string | undefined;
  /** Failure to find out whether the event belongs to the project's account. The event stays open. */
  readonly accountError?: DomainError;
  /** The first required field that is missing or has another type. */
  readonly unreadableField: string | undefined;
  /** The complete payload. */
  readonly json: string;
}

export const OTHER_ACCOUNT_REASON =
  "It is of another Stripe account than the project's, as `account` or `context` says.";
export const OTHER_ENDPOINT_REASON =
  'It is of another Stripe account: its endpoint was made here with a key of that account.';

/** Limits of an event's JSON. Stripe's largest events have hundreds of invoice lines. */
const BOUNDS: JsonBounds = { depth: 64, members: 100_000 };

/** JSON escapes of surrogates. Only an escape can be a lone surrogate, since UTF-8 has none. */
const SURROGATE_ESCAPES = ['\\ud', '\\uD'];

/** U+FFFD replaces characters that the database can't store. */
const ID = /^[\w\ufffd-]{1,255}$/;
const VISIBLE = /^[\x21-\x7e\ufffd]{1,255}$/;
const VERSION = /^[\x21-\x7e]{1,64}$/;
/** The year 9999. */
const MAX_SECONDS = 253_402_300_799;

const THIN = 'v2.core.event';
const THIN_REASON = 'It is a thin event, which says only that something happened.';

export function isEventId(text: unknown): text is string {
  return typeof text === 'string' && ID.test(text);
}

/** Reads events from deliveries, Stripe's list and stored payloads, and detects those of other accounts. */
@Injectable()
export class EventReader {
  constructor(private readonly accounts: StripeAccounts) {}

  /**
   * @param options.isOfOtherAccount whether the event came from an endpoint of another account
   * @returns the event, or the reason to refuse it. An event of another account is never `wrong_mode`,
   * because Connect sends test events to live endpoints too.
   * @throws DomainError `database_unavailable`
   */
  async read(
    { projectId, mode }: ProjectMode,
    bytes: Buffer,
    { isOfOtherAccount = false, isDelivered = false } = {},
  ): Promise<ReceivedEvent | Extract<RefusalReason, 'unreadable' | 'wrong_mode'>> {
    const parsed = parseEvent({ projectId, mode }, bytes);
    if (!parsed) return 'unreadable';
    const event = { ...parsed, isDelivered };
    if (isOfOtherAccount) return { ...event, ignoredBecause: OTHER_ENDPOINT_REASON };
    const isOfMode = event.livemode === (mode === 'live');
    try {
      for (const account of event.accountIds)
        if (!(await this.accounts.isOwn(projectId, mode, account)))
          return { ...event, ignoredBecause: OTHER_ACCOUNT_REASON };
    } catch (error) {
      if (!(error instanceof DomainError) || isDatabaseUnavailable(error)) throw error;
      // Only connected accounts send events of one mode to an endpoint of the other.
      return isOfMode
        ? { ...event, accountError: error }
        : { ...event, ignoredBecause: OTHER_ACCOUNT_REASON };
    }
    return isOfMode ? event : 'wrong_mode';
  }
}

/** @returns `undefined` for a body that is no event: it has no id or no type */
function parseEvent(
  { projectId, mode }: ProjectMode,
  bytes: Buffer,
): Omit<ReceivedEvent, 'isDelivered'> | undefined {
  const body = parse(bytes);
  if (!isObject(body)) return undefined;
  const { object: kind, livemode, api_version: version, data } = body;
  const [id, type] = [body['id'], body['type']].map((text) =>
    typeof text === 'string' ? text.replaceAll('\0', '\ufffd') : undefined,
  );
  if (!isEventId(id) || type === undefined || !VISIBLE.test(type)) return undefined;
  const created = readTime(body['created']);
  const object = isObject(data) ? data['object'] : undefined;
  const readable = {
    object: kind === 'event',
    created,
    livemode: typeof livemode === 'boolean',
    'data.object': isObject(object),
  };
  return {
    projectId,
    mode,
    id,
    type,
    apiVersion: typeof version === 'string' && VERSION.test(version) ? version : null,
    created: created ?? new Date(),
    // The URL decides for an event without `livemode`.
    livemode: typeof livemode === 'boolean' ? livemode : mode === 'live',
    object,
    accountIds: accountsIn(body),
    ignoredBecause: kind === THIN ? THIN_REASON : undefined,
    unreadableField: Object.entries(readable).find(([, isReadable]) => !isReadable)?.[0],
    json: bytes.toString(),
  };
}

/**
 * The body of an event in other formats, of which Stripe may have signed one.
 * @returns `undefined` if it is no JSON
 */
export function reformatted(bytes: Buffer): Buffer[] | undefined {
  const body = parse(bytes);
  if (!isObject(body)) return undefined;
  const texts = [JSON.stringify(body), JSON.stringify(body, null, 2)];
  return [...texts, ...texts.map((text) => `${text}\n`), bytes.toString().trim()].map((text) =>
    Buffer.from(text),
  );
}

/**
 * The accounts in `account` and `context`. The latter may be a path from an organisation or a platform down
 * to the account (docs.stripe.com/context).
 */
function accountsIn({ account, context }: Record<string, unknown>): string[] {
  const named = [account, context].map((value) => (isObject(value) ? value['id'] : value));
  return named.flatMap((value) =>
    typeof value === 'string' && value !== '' ? (value.split('/').findLast(Boolean) ?? value) : [],
  );
}

function parse(bytes: Buffer): unknown {
  try {
    const body = parseJson(bytes, BOUNDS, 'remove');
    return SURROGATE_ESCAPES.some((escape) => bytes.includes(escape)) ? makeWellFormed(body) : body;
  } catch {
    return undefined;
  }
}

/** @param value seconds since 1970; RFC 3339 in thin events */
function readTime(value: unknown): Date | undefined {
  const milliseconds =
    typeof value === 'number' ? value * 1000 : typeof value === 'string' ? Date.parse(value) : NaN;
  return milliseconds >= 0 && milliseconds <= MAX_SECONDS * 1000 ? new Date(milliseconds) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
