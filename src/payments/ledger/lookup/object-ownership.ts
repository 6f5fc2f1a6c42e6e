import { Injectable } from '@nestjs/common';
import { DomainError } from '../../../common/errors.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { Observation } from '../merge/observation.js';
import { MAX_STATUS_LENGTH } from '../merge/subscription.js';
import { claimsIn, ForeignObject, foreignWith, type MetadataSource } from '../read/foreign-object.js';
import { attemptsOf, intentsOf } from '../read/read-invoice.js';
import { type Reading, readObject } from '../read/read-object.js';
import { customerIdsOf, type StripeObject } from '../read/stripe-object.js';
import { ForeignObjectsRepository } from '../store/foreign-objects.repository.js';
import { SubscriptionsTable } from '../store/ledger-tables.js';
import { observedInResponse, StripeLookups, type StripeResponse, type Tenant } from './stripe-lookups.js';

/** An event or a response of Stripe, with the values that it contains. */
export interface Source {
  readonly object: StripeObject;
  readonly reading: Reading;
  readonly observed: Observation;
  /** Type of the event. */
  readonly type?: string | undefined;
}

/** Result of a check that found no other project. */
export interface Ownership {
  /** Whether the object's own metadata names this project. */
  readonly isOurs: boolean;
  /** Objects whose metadata names no other project. */
  readonly unclaimed: MetadataSource[];
}

/** A tenant whose event is being completed. `unclaimed` grows with each response. */
export interface Enrichment extends Tenant {
  readonly unclaimed: MetadataSource[];
}

/** Checks whether an object belongs to another project on the same Stripe account. */
@Injectable()
export class ObjectOwnership {
  constructor(
    private readonly subscriptions: SubscriptionsTable,
    private readonly foreign: ForeignObjectsRepository,
    private readonly lookups: StripeLookups,
  ) {}

  /**
   * Checks the nearest `metadata.project_id` that is a project of this installation.
   * @throws ForeignObject when it is another project
   */
  async assertOurs(tenant: ProjectMode, object: StripeObject | undefined, asOf: Date): Promise<Ownership> {
    const unclaimed: MetadataSource[] = [];
    for (const claim of object ? claimsIn(object, asOf) : []) {
      const { projectId: named, isCopy, objectId } = claim;
      if (named === tenant.projectId && !isCopy) return { isOurs: true, unclaimed: [...unclaimed, claim] };
      const isForeign =
        named !== undefined && named !== tenant.projectId && (await this.foreign.isProject(named));
      // A stored subscription was not foreign by its own metadata, and a copy of the metadata may be older.
      if (isForeign && !(isCopy && (await this.subscriptions.find(tenant, objectId))))
        throw new ForeignObject(
          claim,
          object ? foreignWith(object) : [],
          object ? customerIdsOf(object) : [],
        );
      if (!isForeign) unclaimed.push(claim);
    }
    return { isOurs: false, unclaimed };
  }

  /** Checks all lines of an invoice, including those that its event omits. @throws ForeignObject */
  async assertWholeOurs(tenant: Tenant, object: StripeObject, asOf: Date): Promise<Ownership> {
    const ownership = await this.assertOurs(tenant, object, asOf);
    const whole = ownership.isOurs ? object : await this.lookups.withAllLines(tenant, object);
    return whole === object ? ownership : this.assertOurs(tenant, whole, asOf);
  }

  /** Passes a response on if its object belongs to no other project. @throws ForeignObject */
  async checked<Response extends StripeResponse | null | undefined>(
    tenant: Enrichment,
    request: Promise<Response>,
  ): Promise<Response> {
    const response = await request;
    if (!response) return response;
    const { unclaimed } = await this.assertOurs(tenant, response.object, response.time?.until ?? new Date());
    tenant.unclaimed.push(...unclaimed);
    return response;
  }

  /**
   * Asks Stripe for a subscription whose event names another owner than a state of the same or a later time.
   * @returns `undefined` if nothing contradicts the event, or Stripe doesn't have the subscription
   */
  async refetchIfContradicted(
    tenant: Tenant,
    { object, reading: { subscription: fact }, observed }: Source,
  ): Promise<Source | undefined> {
    if (!fact || observed.isResponse) return undefined;
    const [stored, isForeignSince, isForeign] = await Promise.all([
      this.subscriptions.find(tenant, fact.subscriptionId),
      this.foreign.isForeignSince(tenant, { objectId: fact.subscriptionId, asOf: observed.asOf }),
      this.assertOurs(tenant, object, observed.asOf).then(() => false, isForeignObject),
    ]);
    if (isForeign ? !stored || stored.asOf < observed.asOf : !isForeignSince) return undefined;
    const response = await this.lookups.subscription(tenant, fact.subscriptionId);
    if (!response) return undefined;
    const current = {
      ...observedInResponse(response, observed, stored?.revision ?? 0),
      until: response.time?.until,
    };
    const reading = readObject(tenant.projectId, response.object, current);
    return { object: response.object, reading, observed: current };
  }

  /** Adds to a foreign object everything that inherits from it. */
  async withInheriting(tenant: Tenant, foreign: ForeignObject, object: StripeObject): Promise<ForeignObject> {
    const ids = [...foreign.inheriting, ...foreignWith(object), ...(await this.#intentsOf(tenant, object))];
    return new ForeignObject(foreign.namedBy, ids, [...foreign.customerIds, ...customerIdsOf(object)]);
  }

  /** PaymentIntents of an invoice. Their own metadata doesn't name the project. */
  async #intentsOf(tenant: Tenant, object: StripeObject): Promise<string[]> {
    const id = object.id('id');
    if (object.text('object', MAX_STATUS_LENGTH) !== 'invoice' || id === undefined) return [];
    const listed = attemptsOf(object);
    if (listed.length > 0) return listed;
    try {
      return intentsOf(await this.lookups.invoicePayments(tenant, id));
    } catch (error) {
      // A retry can't help a key without the permission. If Stripe is unavailable, the event stays open.
      if (error instanceof DomainError && error.code !== 'stripe_unavailable') return [];
      throw error;
    }
  }
}

function isForeignObject(error: unknown): boolean {
  if (error instanceof ForeignObject) return true;
  throw error;
}
