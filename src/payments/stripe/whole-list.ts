import type Stripe from 'stripe';
import { stripeUnavailable } from './stripe.errors.js';

/** Stripe's maximum. */
const PAGE_SIZE = 100;
/** No list with more than 10,000 items has to be read whole. */
const MAX_PAGES = 100;

/** Parameters of a list endpoint. */
export interface PageParams {
  readonly limit: number;
  readonly starting_after?: string;
}

/** The members of a page that paging needs. */
interface ListPage<Item> {
  readonly data: Item[];
  readonly has_more: boolean;
}

/**
 * Reads a list page by page. A list embedded in an object has at most 10 items, so read its own endpoint.
 * @param readPage calls the list's endpoint with these parameters
 * @param signal checked before each page
 * @throws DomainError `stripe_unavailable` for an endless list; errors of `readPage`
 */
export async function readWholeList<Item extends { id: string }>(
  readPage: (params: PageParams) => Promise<ListPage<Item>>,
  signal?: AbortSignal,
): Promise<Item[]> {
  // Removes duplicates: an item that shifts to the next page meanwhile is read twice.
  const items = new Map<string, Item>();
  let last: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    signal?.throwIfAborted();
    const { data, has_more: hasMore } = await readPage({
      limit: PAGE_SIZE,
      ...(last !== undefined && { starting_after: last }),
    });
    if (!Array.isArray(data)) break;
    const before = items.size;
    for (const item of data) items.set(item.id, item);
    if (!hasMore) return [...items.values()];
    last = data.at(-1)?.id;
    if (items.size === before) break;
  }
  throw stripeUnavailable('Stripe gave an answer that makes no sense; try again shortly.', undefined);
}

/** Adds the items that Stripe doesn't embed in a subscription. @param readPage lists subscription items */
export async function withAllItems(
  subscription: Stripe.Subscription,
  readPage: (params: Stripe.SubscriptionItemListParams) => Promise<Stripe.ApiList<Stripe.SubscriptionItem>>,
): Promise<Stripe.Subscription> {
  const { id, items } = subscription;
  if (!items.has_more) return subscription;
  const data = await readWholeList((page) => readPage({ subscription: id, ...page }));
  return { ...subscription, items: { ...items, data, has_more: false } };
}
