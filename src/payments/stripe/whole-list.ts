import type Stripe from 'stripe';
import { stripeUnavailable } from './stripe.errors.js';

/** What Stripe gives at most for one page. */
const PAGE_SIZE = 100;
/** A list that is longer than 10,000 is none that anything here has to read whole. */
const MAX_PAGES = 100;

/** What the endpoint of a list is called with. */
export interface PageParams {
  readonly limit: number;
  readonly starting_after?: string;
}

/** One page of a list, as far as paging needs it. */
interface ListPage<Item> {
  readonly data: Item[];
  readonly has_more: boolean;
}

/**
 * Reads a list of Stripe's whole, page by page. A list embedded in an object is cut at 10 items: it is read
 * anew from its own endpoint.
 * @param readPage calls the list's endpoint with these parameters
 * @param signal ends it between two pages
 * @throws DomainError `stripe_unavailable` for a list that does not end; and what `readPage` throws
 */
export async function readWholeList<Item extends { id: string }>(
  readPage: (params: PageParams) => Promise<ListPage<Item>>,
  signal?: AbortSignal,
): Promise<Item[]> {
  // By id: what shifts to the next page while the list is read comes twice.
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

/**
 * A subscription with all of its items, of which Stripe embeds only the first. @param readPage calls the
 * endpoint of subscription items
 */
export async function withAllItems(
  subscription: Stripe.Subscription,
  readPage: (params: Stripe.SubscriptionItemListParams) => Promise<Stripe.ApiList<Stripe.SubscriptionItem>>,
): Promise<Stripe.Subscription> {
  const { id, items } = subscription;
  if (!items.has_more) return subscription;
  const data = await readWholeList((page) => readPage({ subscription: id, ...page }));
  return { ...subscription, items: { ...items, data, has_more: false } };
}
