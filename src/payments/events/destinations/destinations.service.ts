import { randomUUID } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Actor } from '../../../common/actor.js';
import { DomainError, ValidationFailed } from '../../../common/errors.js';
import { ProjectsService } from '../../../projects/projects.service.js';
import { ReceiverAddresses } from '../delivery/receiver-addresses.js';
import type { EventType } from '../event-types.js';
import { DestinationSealer, DestinationSecrets, type Headers } from './destination-secrets.js';
import { DestinationsRepository, type Holder } from './destinations.repository.js';
import type { DestinationRow } from './destinations.statements.js';

/** Limits the signatures of a request. */
const MOST_FORMER_SECRETS = 5;

/** Concurrent changes of one destination. */
const MAX_TRIES = 5;

/** What a request can set. */
export interface DestinationSettings extends Pick<
  DestinationRow,
  'url' | 'description' | 'mode' | 'enabled'
> {
  /** `null` for all. */
  readonly eventTypes: readonly EventType[] | null;
  readonly headers: Headers;
}

/** Settings in a row, with their names in requests. */
const SETTINGS = [
  ['url', 'url'],
  ['eventTypes', 'event_types'],
  ['mode', 'mode'],
  ['description', 'description'],
  ['enabled', 'enabled'],
] as const;

interface AppliedChange {
  readonly row: DestinationRow;
  readonly secrets: DestinationSecrets;
  readonly change:
    { readonly action: 'updated'; readonly fields: readonly string[] } | { readonly action: 'rotated' };
}

/** A destination with its new signing secret, which is shown this once. */
export interface DestinationWithSecret {
  readonly destination: DestinationRow;
  readonly secret: string;
}

/** Makes, changes and deletes destinations. */
@Injectable()
export class DestinationsService implements OnModuleInit {
  constructor(
    private readonly destinations: DestinationsRepository,
    private readonly sealer: DestinationSealer,
    private readonly addresses: ReceiverAddresses,
    private readonly projects: ProjectsService,
  ) {}

  onModuleInit(): void {
    const { destinations } = this;
    this.projects.deleting.on(async (projectId) => ({
      destroy: () => destinations.removeOfProject(projectId),
    }));
  }

  list(holder: Holder): Promise<DestinationRow[]> {
    return this.destinations.list(holder);
  }

  /** @throws DomainError `event_destination_not_found` */
  find(holder: Holder, id: string): Promise<DestinationRow> {
    return this.destinations.find(holder, id);
  }

  /** @throws DomainError `validation_failed`, `project_not_found`, `too_many_event_destinations` */
  async create(holder: Holder, settings: DestinationSettings, actor: Actor): Promise<DestinationWithSecret> {
    const url = await this.#checkedUrl(settings.url);
    const id = randomUUID();
    const now = new Date();
    const secrets = DestinationSecrets.make(settings.headers);
    const destination = await this.sealer.withCurrentKey(async () => {
      const row: DestinationRow = {
        id,
        projectId: holder,
        version: 1,
        ...columnsOf(settings),
        url,
        ...this.sealer.seal(id, secrets),
        formerValidUntil: null,
        disabledReason: null,
        failingSince: null,
        lastFailureAt: null,
        warnings: 0,
        nextDueAt: null,
        createdAt: now,
        updatedAt: now,
      };
      await this.destinations.add(row, actor);
      return row;
    });
    return { destination, secret: secrets.shown };
  }

  /** @throws DomainError `validation_failed`, `event_destination_not_found` */
  async update(
    holder: Holder,
    id: string,
    { eventTypes, headers, ...others }: Partial<DestinationSettings>,
    actor: Actor,
  ): Promise<DestinationRow> {
    const url = others.url === undefined ? {} : { url: await this.#checkedUrl(others.url) };
    const types = eventTypes === undefined ? {} : { eventTypes: storedTypes(eventTypes) };
    const { destination } = await this.#change(holder, id, actor, (row, secrets) => {
      const given = { ...others, ...url, ...types };
      const fields = SETTINGS.filter(([name]) => given[name] !== undefined && given[name] !== row[name]).map(
        ([, field]) => field,
      );
      const newHeaders = headers && !secrets.hasHeaders(headers) ? headers : undefined;
      return {
        row: { ...row, ...given, ...(newHeaders && { headerNames: Object.keys(newHeaders).join(' ') }) },
        secrets: newHeaders ? secrets.withHeaders(newHeaders) : secrets,
        change: { action: 'updated', fields: [...fields, ...(newHeaders ? ['headers'] : [])] },
      };
    });
    return destination;
  }

  /** @throws DomainError `event_destination_not_found`, `too_many_former_secrets` */
  async rotate(
    holder: Holder,
    id: string,
    overlapSeconds: number,
    actor: Actor,
  ): Promise<DestinationWithSecret> {
    const now = new Date();
    const until = overlapSeconds > 0 ? new Date(now.getTime() + overlapSeconds * 1_000) : null;
    const { destination, secrets } = await this.#change(holder, id, actor, (row, before) => {
      const after = before.rotated(until, now);
      if (after.formerEnds.length > MOST_FORMER_SECRETS) throw tooManyFormerSecrets();
      const formerValidUntil = after.formerEnds.reduce((last, end) => (end > last ? end : last), now);
      return {
        row: { ...row, formerValidUntil: until && formerValidUntil },
        secrets: after,
        change: { action: 'rotated' },
      };
    });
    return { destination, secret: secrets.shown };
  }

  /** @throws DomainError `event_destination_not_found` */
  remove(holder: Holder, id: string, actor: Actor): Promise<void> {
    return this.destinations.remove(holder, id, actor);
  }

  /** Applies a change to the current row, again if it was changed meanwhile. One without fields writes nothing. */
  async #change(
    holder: Holder,
    id: string,
    actor: Actor,
    apply: (row: DestinationRow, secrets: DestinationSecrets) => AppliedChange,
  ): Promise<{ destination: DestinationRow; secrets: DestinationSecrets }> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const stored = await this.destinations.find(holder, id);
      const { row, secrets, change } = apply(stored, await this.sealer.open(id, stored.sealed));
      if (change.action === 'updated' && change.fields.length === 0) return { destination: stored, secrets };
      const hosts =
        row.url === stored.url ? {} : { host: { before: hostIn(stored.url), after: hostIn(row.url) } };
      const destination = await this.sealer.withCurrentKey(() =>
        this.destinations.change(
          { ...row, ...this.sealer.seal(id, secrets), updatedAt: new Date() },
          { ...change, ...hosts },
          actor,
        ),
      );
      if (destination) return { destination, secrets };
    }
    throw new DomainError(
      'too_busy',
      'Others change this event destination at the moment; try again shortly.',
      {
        retryAfterSeconds: 1,
      },
    );
  }

  /** @returns the URL as it is stored @throws ValidationFailed */
  async #checkedUrl(url: string): Promise<string> {
    const msg = await this.addresses.problemWith(url);
    if (msg !== undefined) throw new ValidationFailed([{ loc: ['body', 'url'], msg, type: 'value_error' }]);
    return new URL(url).href;
  }
}

function columnsOf({ description, mode, enabled, eventTypes, headers }: DestinationSettings) {
  return {
    description,
    mode,
    enabled,
    eventTypes: storedTypes(eventTypes),
    headerNames: Object.keys(headers).join(' '),
  };
}

function storedTypes(types: readonly EventType[] | null): string | null {
  return types && ` ${types.join(' ')} `;
}

function hostIn(url: string): string {
  return new URL(url).host;
}

function tooManyFormerSecrets(): DomainError {
  return new DomainError(
    'too_many_former_secrets',
    `The overlaps of ${MOST_FORMER_SECRETS} former secrets have not ended, which is the most: wait, or rotate with overlap_seconds 0, which ends them all.`,
  );
}
