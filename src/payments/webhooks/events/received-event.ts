import type { DomainError } from '../../../common/errors.js';
import { type JsonBounds, parseJson } from '../../../http/json-body.js';
import type { ProjectId } from '../../../common/ids.js';
import { makeWellFormed } from '../../../common/typed-text.js';
import type { StripeEvent } from '../../ledger/merge/ledger-change.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** What became of an event. `unreadable` is in a form that this version does not know. `open` waits for its owner: it can't be applied with the key that is stored. */
export const OUTCOMES = ['applied', 'ignored', 'unreadable', 'failed', 'open'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** How an event is noted. */
export interface Verdict {
  readonly outcome: Outcome;
  /** In our words; `null` of what was applied. */
  readonly reason: string | null;
}

/** An event as it arrived: who sent it is not doubted any more. */
export interface ReceivedEvent extends StripeEvent {
  readonly livemode: boolean;
  /** The accounts that it says it is of; none where it does not say. */
  readonly accountIds: readonly string[];
  /** Why it changes nothing here, whatever its type. */
  readonly ignoredBecause: string | undefined;
  /** Why nobody can tell yet whether it is of the project's account: it stays open. */
  readonly undecidedBecause?: DomainError;
  /** The field without which nothing that depends on it can be read. */
  readonly unreadableField: string | undefined;
  /** All of it, as JSON. */
  readonly json: string;
}

export const OTHER_ACCOUNT_REASON =
  "It is of another Stripe account than the project's, as `account` or `context` says.";
export const OTHER_ENDPOINT_REASON =
  'It is of another Stripe account: its endpoint was made here with a key of that account.';

/** Stripe's largest events have hundreds of invoice lines. */
const BOUNDS: JsonBounds = { depth: 64, members: 100_000 };

/** How JSON spells a half of a surrogate pair; the bytes themselves are UTF-8, which has none. */
const SURROGATE_ESCAPES = ['\\ud', '\\uD'];

/** U+FFFD stands for what can not be stored. */
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

/** Reads an event whose signature holds. @returns `undefined` when it isn't one: it has no id, or no type */
export function parseEvent(projectId: ProjectId, mode: StripeMode, bytes: Buffer): ReceivedEvent | undefined {
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
    // An event that does not say is of the URL's mode.
    livemode: typeof livemode === 'boolean' ? livemode : mode === 'live',
    object,
    accountIds: accountsIn(body),
    ignoredBecause: kind === THIN ? THIN_REASON : undefined,
    unreadableField: Object.entries(readable).find(([, isReadable]) => !isReadable)?.[0],
    json: bytes.toString(),
  };
}

/**
 * The account that `account` names, and the one that `context` does: `acct_…`, or a path that leads to it, from an organisation or a
 * platform down (docs.stripe.com/context).
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

/** Seconds since 1970, in thin events RFC 3339. */
function readTime(value: unknown): Date | undefined {
  const milliseconds =
    typeof value === 'number' ? value * 1000 : typeof value === 'string' ? Date.parse(value) : NaN;
  return milliseconds >= 0 && milliseconds <= MAX_SECONDS * 1000 ? new Date(milliseconds) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
