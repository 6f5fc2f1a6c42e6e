import { parseProjectId, type ProjectId } from '../../common/ids.js';
import type { StripeObject } from './stripe-object.js';

const MAX_METADATA_LENGTH = 500;
const REFERENCES = ['subscription', 'payment_intent', 'charge', 'invoice'];

/** An object that is proven to belong to another project of this installation, on one Stripe account with this one. Nothing of it is written. */
export class ForeignObject extends Error {
  override readonly name = 'ForeignObject';

  /** @param objectIds Stripe's ids of what belongs to the other project with it @param customerIds whose writes it has to wait for */
  constructor(
    readonly objectIds: readonly string[] = [],
    readonly customerIds: readonly string[] = [],
  ) {
    super('It belongs to another project here that uses the same Stripe account, as its `metadata.project_id` says.');
  }
}

/** The UUIDs under `metadata.project_id`: the object's own first, then what its subscription, its lines and expanded references say. */
export function projectIdsIn(object: StripeObject): ProjectId[] {
  const parent = object.object('parent')?.object('subscription_details') ?? object.object('subscription_details');
  const sources = [object, parent, ...object.items('lines'), ...REFERENCES.map((field) => object.object(field))];
  return sources.flatMap((source) => {
    const text = source?.object('metadata')?.text('project_id', MAX_METADATA_LENGTH);
    return (text !== undefined && parseProjectId(text)) || [];
  });
}

/** What belongs to the project that an object belongs to: itself, and what it paid or made. */
export function foreignWith(object: StripeObject): string[] {
  const own = object.id('id') ?? [];
  switch (object.text('object', MAX_METADATA_LENGTH) ?? '') {
    case 'invoice':
      return [own, object.id('payment_intent') ?? [], object.id('charge') ?? []].flat();
    case 'checkout.session':
      return [object.id('payment_intent') ?? [], object.id('subscription') ?? []].flat();
    case 'payment_intent':
      return [own, object.id('latest_charge') ?? []].flat();
    case 'charge':
      return [own, object.id('payment_intent') ?? []].flat();
    default:
      return [own].flat();
  }
}
