import { Injectable } from '@nestjs/common';
import { v7 as uuidV7 } from 'uuid';
import type { ProjectId } from '../../common/ids.js';
import { columnReader } from '../../database/columns.js';
import { Database, exec, query, type Steps } from '../../database/database.js';
import type { DurableEvent, DurableEventName } from '../payments-events.js';
import { EventEntity } from './event.entity.js';
import {
  ADD,
  BACKLOG,
  type DueEvent,
  type EventContent,
  FORGET,
  HAS_UNPUBLISHED,
  LAST_SEQ,
  LEASE,
  NOW,
  POSTPONE,
  PUBLISH,
  PULL,
} from './event-log.statements.js';
import { EVENT_TYPES, type EventType } from './event-types.js';

const valuesOf = columnReader(EventEntity);

/** The `seq` of an event that consumers don't pull. */
const UNLISTED = 0;

interface Lease {
  readonly now: Date;
  readonly until: Date;
  readonly limit: number;
}

export interface PulledEvents {
  readonly events: readonly EventContent[];
  /** Where the next pull starts, also when there is nothing yet. */
  readonly next: number;
}

/** Stores events: for listeners of this process, for destinations, and for consumers that pull. */
@Injectable()
export class EventLog {
  readonly #listeners: (() => void)[] = [];
  #lastVersion = 0;

  constructor(private readonly database: Database) {}

  /** @param listener called in each transaction that adds an event, shortly before the commit */
  onAdded(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Part of the transaction that makes the change. */
  *add([type, event]: DurableEvent, now = new Date()): Steps<EventContent> {
    const { projectId, mode, ...data } = yield* this.#versioned(type, event);
    const content = {
      id: uuidV7(),
      projectId,
      mode,
      type,
      data: JSON.stringify(snakeCased(data)),
      createdAt: now,
    };
    const seq = type === 'destination.test' ? UNLISTED : null;
    yield* exec(ADD, valuesOf({ ...content, attempts: 0, dueAt: now, seq }));
    for (const listener of this.#listeners) listener();
    return content;
  }

  /** Gives an object without a version of its own one that grows: the time, in the lock of its change. */
  *#versioned(type: EventType, event: DurableEvent[1]): Steps<DurableEvent[1]> {
    const rule = EVENT_TYPES[type];
    if (!('timed' in rule)) return event;
    const [{ time } = { time: 0 }] = yield* query(NOW, []);
    // Two changes can have one time on SQLite, whose clock has milliseconds.
    this.#lastVersion = Math.max(time, this.#lastVersion + 1);
    const object = (event as unknown as Record<string, object>)[rule.timed];
    return { ...event, [rule.timed]: { ...object, version: this.#lastVersion } };
  }

  /** Number of events that wait for listeners, up to 10,000, and the creation time of the oldest. */
  async backlog(type: DurableEventName): Promise<{ waiting: number; oldest: Date | undefined }> {
    const [row] = await this.database.query(BACKLOG, [type]);
    return { waiting: row?.waiting ?? 0, oldest: row?.createdAt };
  }

  /** Leases events for listeners. Another process gets them only after the lease has ended. */
  lease(type: DurableEventName, { now, until, limit }: Lease): Promise<DueEvent[]> {
    return this.database.query(LEASE, [type, now, until, limit]);
  }

  /** @param postponed failed deliveries to listeners, with the time of the next attempt */
  finish(delivered: readonly DueEvent[], postponed: readonly (readonly [DueEvent, Date])[]): Promise<void> {
    return this.database.transaction(function* () {
      for (const { id } of delivered) yield* exec(POSTPONE, [id, null]);
      for (const [{ id }, until] of postponed) yield* exec(POSTPONE, [id, until]);
    });
  }

  async hasUnpublished(): Promise<boolean> {
    return (await this.database.query(HAS_UNPUBLISHED, [])).length > 0;
  }

  /** Numbers unpublished events, in a transaction that holds the lock of publishing. @returns their ids */
  *publish(limit: number): Steps<string[]> {
    return (yield* query(PUBLISH, [limit])).map(({ id }) => id);
  }

  async pull(
    projectId: ProjectId,
    { after, types, limit }: { after: number; types: readonly EventType[] | null; limit: number },
  ): Promise<PulledEvents> {
    // Read first: an event that is published after it belongs to the next pull.
    const [{ last } = { last: null }] = await this.database.query(LAST_SEQ, [projectId]);
    const values = [projectId, after, limit];
    const events = await (types
      ? this.database.query(PULL.ofTypes, [...values, JSON.stringify(types)])
      : this.database.query(PULL.all, values));
    const end = events.at(-1)?.seq ?? after;
    return { events, next: events.length < limit ? Math.max(end, last ?? 0, after) : end };
  }

  /** Deletes at most `limit` events from before the given time. @returns how many there were */
  async forget(before: Date, limit: number): Promise<number> {
    const first = uuidV7({ msecs: before.getTime(), random: new Uint8Array(16) });
    return (await this.database.query(FORGET, [first, limit])).length;
  }
}

/** The body of an event as destinations and consumers get it. */
export function eventBody({ id, type, createdAt, projectId, mode, data }: EventContent) {
  return {
    id,
    type,
    timestamp: createdAt.toISOString(),
    project_id: projectId,
    mode,
    data: JSON.parse(data) as Record<string, unknown>,
  };
}

/** The event as listeners get it, as JSON. */
export function listenerPayload({ projectId, mode, data }: DueEvent): string {
  return JSON.stringify({ projectId, mode, ...(camelCased(JSON.parse(data)) as object) });
}

const snakeCased = (value: unknown) =>
  withNames(value, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
const camelCased = (value: unknown) =>
  withNames(value, (name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));

function withNames(value: unknown, rename: (name: string) => string): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((each) => withNames(each, rename));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [rename(name), withNames(each, rename)]),
  );
}
