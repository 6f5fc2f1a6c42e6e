import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../../../database/database.js';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import { COUNT_USAGE, DELETE_USAGE_BEFORE, USAGE_SINCE } from './gateway-keys.statements.js';
import { EVERYTHING, type GatewayAction, type GatewayPermissions } from '../gateway-permissions.js';

const DAY_MS = 86_400_000;
const DAYS_KEPT = 30;
const FLUSH_MS = 10_000;
/** Bounds the memory during an outage of the database. More keys and permissions than that are not counted. */
const MOST_COUNTS = 50_000;
/** The row of a day that counts requests. The other rows count permissions. */
const TOTAL = '';

interface Counts {
  requests: number;
  errors: number;
  refused: number;
}

/** A permission that requests needed on one day. */
export interface PermissionUsage {
  readonly resource: string;
  readonly action: GatewayAction;
  readonly requests: number;
  /** Requests that were refused because the key lacks it. */
  readonly refused: number;
}

export interface DayOfUsage extends Readonly<Counts> {
  readonly day: string;
  readonly permissions: readonly PermissionUsage[];
}

/** One request, after its answer. */
export interface CountedRequest {
  readonly keyId: string;
  readonly status: number;
  /** Permissions that it needed, each as `customers:read`. */
  readonly needed: Iterable<string>;
  /** The one that the key lacks. */
  readonly missing?: string | undefined;
}

/** Counts the requests of each key by day, in memory first. */
@Injectable()
export class GatewayUsage implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #task: PeriodicTask;
  readonly #counts = new Map<string, Counts>();
  #flushed = Promise.resolve();
  #cleanedOn = '';
  #day = { number: 0, text: '' };

  constructor(
    private readonly database: Database,
    tasks: PeriodicTasks,
  ) {
    this.#task = tasks.add({
      name: 'gateway_usage',
      intervalMs: FLUSH_MS,
      firstAfterMs: FLUSH_MS,
      work: () => this.flush(),
      failure: 'The usage of gateway keys could not be stored; this is tried again in ten seconds.',
    });
  }

  onApplicationBootstrap(): void {
    this.#task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.flush().catch(() => undefined);
  }

  count({ keyId, status, needed, missing }: CountedRequest): void {
    const day = this.#today();
    const refused = missing === undefined ? 0 : 1;
    const errors = status >= 400 && !refused ? 1 : 0;
    this.#add(keyId, day, TOTAL, { requests: 1, errors, refused });
    for (const permission of needed)
      this.#add(keyId, day, permission, { requests: 1, errors: 0, refused: permission === missing ? 1 : 0 });
  }

  /** Formats a day once. */
  #today(): string {
    const number = Math.floor(Date.now() / DAY_MS);
    if (number !== this.#day.number) this.#day = { number, text: dayOf(Date.now()) };
    return this.#day.text;
  }

  #add(keyId: string, day: string, permission: string, { requests, errors, refused }: Counts): void {
    const key = `${keyId} ${day} ${permission}`;
    const counts = this.#counts.get(key);
    if (!counts) {
      if (this.#counts.size < MOST_COUNTS) this.#counts.set(key, { requests, errors, refused });
      return;
    }
    counts.requests += requests;
    counts.errors += errors;
    counts.refused += refused;
  }

  /** Stores what was counted in this process. One after another, since two at once would store a count twice. */
  flush(): Promise<void> {
    this.#flushed = this.#flushed.catch(() => undefined).then(() => this.#store());
    return this.#flushed;
  }

  async #store(): Promise<void> {
    for (const [key, { requests, errors, refused }] of [...this.#counts]) {
      this.#counts.delete(key);
      const [keyId = '', day = '', permission = ''] = key.split(' ');
      try {
        await this.database.write(COUNT_USAGE, [keyId, day, permission, requests, errors, refused]);
      } catch (error) {
        this.#add(keyId, day, permission, { requests, errors, refused });
        throw error;
      }
    }
    const today = dayOf(Date.now());
    if (this.#cleanedOn === today) return;
    await this.database.write(DELETE_USAGE_BEFORE, [firstDay()]);
    this.#cleanedOn = today;
  }

  /** The newest day first, at most ten seconds behind for other processes. */
  async ofKey(keyId: string): Promise<DayOfUsage[]> {
    await this.flush();
    const days = new Map<string, DayOfUsage & { permissions: PermissionUsage[] }>();
    for (const row of await this.database.query(USAGE_SINCE, [keyId, firstDay()])) {
      const { day, permission, requests, errors, refused } = row;
      // The row with the totals comes first.
      if (permission === TOTAL) days.set(day, { day, requests, errors, refused, permissions: [] });
      else days.get(day)?.permissions.push({ ...partsOf(permission), requests, refused });
    }
    return [...days.values()];
  }
}

/** The smallest permissions that cover the requests of these days, refused ones left out. */
export function usedPermissions(days: readonly DayOfUsage[]): GatewayPermissions {
  const used: Record<string, GatewayAction> = {};
  for (const { resource, action, requests, refused } of days.flatMap(({ permissions }) => permissions))
    if (requests > refused && used[resource] !== 'write') used[resource] = action;
  return used;
}

function partsOf(permission: string): { resource: string; action: GatewayAction } {
  const [resource = EVERYTHING, action] = permission.split(':');
  return { resource, action: action === 'write' ? 'write' : 'read' };
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function firstDay(): string {
  return dayOf(Date.now() - (DAYS_KEPT - 1) * DAY_MS);
}
