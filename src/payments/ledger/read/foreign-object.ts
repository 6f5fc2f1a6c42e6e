import { parseProjectId, type ProjectId } from '../../../common/ids.js';
import type { StripeObject } from './stripe-object.js';

const MAX_METADATA_LENGTH = 500;
const REFERENCES = ['subscription', 'payment_intent', 'charge', 'invoice'];

export const FOREIGN_REASON =
  'It belongs to another project here that uses the same Stripe account, as its `metadata.project_id` says.';

/** An object whose metadata was read, with the time at which the metadata was valid. */
export interface MetadataSource {
  readonly objectId: string;
  readonly asOf: Date;
}

/**
 * An object belongs to another project of this installation that uses the same Stripe account. Nothing is
 * written for it.
 */
export class ForeignObject extends Error {
  override readonly name = 'ForeignObject';

  /**
   * @param namedBy the object whose own metadata names the other project
   * @param inheriting Stripe's ids of objects that belong to the other project because of it
   * @param customerIds customers whose writers must be waited for
   */
  constructor(
    readonly namedBy: MetadataSource,
    readonly inheriting: readonly string[] = [],
    readonly customerIds: readonly string[] = [],
  ) {
    super(FOREIGN_REASON);
  }
}

/**
 * Reads early all fields that are needed later, so that the error is attributed to the event.
 * @throws Unreadable
 */
export function assertReadable(object: StripeObject): void {
  for (const list of ['items', 'lines']) object.isCut(list);
  claimsIn(object, new Date(0));
  foreignWith(object);
}

/** Project named by an object's metadata, or by a copy of the metadata in another object. */
export interface Claim extends MetadataSource {
  /** `undefined` if the metadata has no UUID. */
  readonly projectId: ProjectId | undefined;
  /** Whether the metadata is a copy, which Stripe doesn't update. */
  readonly isCopy: boolean;
}

/**
 * Nearest first: the object's own metadata, its expanded references, then copies of its subscription's
 * metadata.
 */
export function claimsIn(object: StripeObject, asOf: Date): Claim[] {
  const parent = object.object('parent')?.object('subscription_details');
  const subscriptionId = object.id('subscription') ?? parent?.id('subscription');
  const ownId = object.id('id') ?? object.id('charge');
  const claim = (objectId: string | undefined, source: StripeObject | undefined, copiedAt?: Date): Claim[] =>
    source && objectId !== undefined
      ? [{ objectId, projectId: projectIdOf(source), asOf: copiedAt ?? asOf, isCopy: copiedAt !== undefined }]
      : [];
  const copies = [parent ?? object.object('subscription_details'), ...object.items('lines')];
  const copiedAt = object.time('created') ?? object.time('date') ?? asOf;
  return [
    ...claim(ownId, object),
    ...REFERENCES.map((field) => object.expanded(field)).flatMap((reference) =>
      claim(reference?.id('id'), reference?.has('metadata') ? reference : undefined),
    ),
    ...copies
      .flatMap((copy) => claim(subscriptionId ?? ownId, copy, copiedAt))
      .filter(({ projectId }) => projectId !== undefined),
  ];
}

function projectIdOf(object: StripeObject): ProjectId | undefined {
  const text = object.object('metadata')?.text('project_id', MAX_METADATA_LENGTH);
  return text === undefined ? undefined : parseProjectId(text);
}

/** Stripe's ids of the object and of the objects that inherit its project. */
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
