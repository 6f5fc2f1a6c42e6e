import { parseProjectId, type ProjectId } from '../../../common/ids.js';
import type { StripeObject } from './stripe-object.js';

const MAX_METADATA_LENGTH = 500;
const REFERENCES = ['subscription', 'payment_intent', 'charge', 'invoice'];

export const FOREIGN_REASON =
  'It belongs to another project here that uses the same Stripe account, as its `metadata.project_id` says.';

/** An object whose metadata was read, and when it was so. */
export interface MetadataSource {
  readonly objectId: string;
  readonly asOf: Date;
}

/** An object that is proven to belong to another project of this installation, on one Stripe account with this one. Nothing of it is written. */
export class ForeignObject extends Error {
  override readonly name = 'ForeignObject';

  /**
   * @param namedBy the object whose own metadata names the other project
   * @param inheriting Stripe's ids of what belongs to the other project with it
   * @param customerIds whose writes it has to wait for
   */
  constructor(
    readonly namedBy: MetadataSource,
    readonly inheriting: readonly string[] = [],
    readonly customerIds: readonly string[] = [],
  ) {
    super(FOREIGN_REASON);
  }
}

/** Nothing more of the object is read later than this. @throws Unreadable */
export function assertReadable(object: StripeObject): void {
  for (const list of ['items', 'lines']) object.isCut(list);
  claimsIn(object, new Date(0));
  foreignWith(object);
}

/** What the metadata of an object, or a copy of it in another object, says about its project. */
export interface Claim extends MetadataSource {
  /** `undefined` where it names no UUID. */
  readonly projectId: ProjectId | undefined;
  /** Whether it is a copy, which stays as it was when it was made. */
  readonly isCopy: boolean;
}

/** The nearest first: the object's own metadata, then its expanded references, then copies of its subscription's metadata. */
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
