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
    const { destination } = await this.#change(holder, id, 'updated', actor, (row, secrets) => ({
      row: {
        ...row,
        ...others,
        ...url,
        ...(eventTypes !== undefined && { eventTypes: storedTypes(eventTypes) }),
        ...(headers && { headerNames: Object.keys(headers).join(' ') }),
      },
      secrets: headers ? secrets.withHeaders(headers) : secrets,
    }));
    return destination;
  }

  /** @throws DomainError `event_destination_not_found` */
  async rotate(
    holder: Holder,
    id: string,
    overlapSeconds: number,
    actor: Actor,
  ): Promise<DestinationWithSecret> {
    const until = overlapSeconds > 0 ? new Date(Date.now() + overlapSeconds * 1_000) : null;
    const { destination, secrets } = await this.#change(holder, id, 'rotated', actor, (row, before) => ({
      row: { ...row, formerValidUntil: until },
      secrets: before.rotated(until),
    }));
    return { destination, secret: secrets.shown };
  }

  /** @throws DomainError `event_destination_not_found` */
  remove(holder: Holder, id: string, actor: Actor): Promise<void> {
    return this.destinations.remove(holder, id, actor);
  }

  /** Applies a change to the current row, again if it was changed meanwhile. */
  async #change(
    holder: Holder,
    id: string,
    change: 'updated' | 'rotated',
    actor: Actor,
    apply: (
      row: DestinationRow,
      secrets: DestinationSecrets,
    ) => { row: DestinationRow; secrets: DestinationSecrets },
  ): Promise<{ destination: DestinationRow; secrets: DestinationSecrets }> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const stored = await this.destinations.find(holder, id);
      const { row, secrets } = apply(stored, await this.sealer.open(id, stored.sealed));
      const destination = await this.sealer.withCurrentKey(() =>
        this.destinations.change(
          { ...row, ...this.sealer.seal(id, secrets), updatedAt: new Date() },
          change,
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
