import { Injectable } from '@nestjs/common';
import { Database } from '../../../database/database.js';
import { ReadableProjects, type Scope } from '../../../projects/members/readable-projects.js';
import {
  type Excerpt,
  firstOfParts,
  isCounted,
  type LedgerFilter,
  type Listed,
  type ListKind,
  listPage,
  listTotal,
  MAX_COUNTED,
  type Page,
  type Part,
  PAYMENT_LIST,
  type PaymentView,
  SETTLED,
  SUBSCRIPTION_LIST,
  type SubscriptionView,
} from './ledger-lists.statements.js';

interface List<View> {
  readonly rows: Listed<View>[];
  /** Number of rows on all pages. */
  readonly total: number;
  /** Whether there are no more than `total`. */
  readonly isExact: boolean;
}

type DatedPart = Part & { readonly at: Date };

/** Lists subscriptions and payments. */
@Injectable()
export class LedgerListsRepository {
  constructor(
    private readonly database: Database,
    private readonly readable: ReadableProjects,
  ) {}

  subscriptions(scope: Scope, filter: LedgerFilter, page: Page): Promise<List<SubscriptionView>> {
    return this.#list(SUBSCRIPTION_LIST, scope, filter, page);
  }

  payments(scope: Scope, filter: LedgerFilter, page: Page): Promise<List<PaymentView>> {
    return this.#list(PAYMENT_LIST, scope, filter, page);
  }

  /** Reads the page from the parts with the first rows, as many as the page could need. */
  async #list<View>(kind: ListKind<View>, scope: Scope, wish: LedgerFilter, page: Page): Promise<List<View>> {
    const filter = { ...wish, updatedBefore: await this.#settledAt(wish) };
    const wanted = page.offset + page.limit;
    let total = 0;
    let first: DatedPart[] = [];
    for await (const projects of this.readable.chunksIn(scope)) {
      const [count, parts] = [listTotal(kind, projects, filter), firstOfParts(kind, projects, filter)];
      const [[counted], dated] = await Promise.all([
        this.database.query(count.statement, count.values),
        this.database.query(parts.statement, parts.values),
      ]);
      total += counted?.total ?? 0;
      const found = dated.filter((part): part is DatedPart => part.at !== null);
      first = firstParts([...first, ...found], wanted, filter);
    }
    const isExact = isCounted(filter) || total <= MAX_COUNTED;
    if (isExact && page.offset >= total) return { rows: [], total, isExact };
    const { statement, values } = listPage(kind, excerptOf(first, wanted, filter), filter, page);
    const rows = await this.database.query(statement, values);
    return { rows, total: isExact ? total : MAX_COUNTED, isExact };
  }

  async #settledAt({ order }: LedgerFilter): Promise<Date | undefined> {
    if (order !== 'updated_at' || this.database.engine === 'sqlite') return undefined;
    return (await this.database.query(SETTLED, []))[0]?.at;
  }
}

/** Sorts parts by their first row, and drops those that have no row on a page with `wanted` rows before its end. */
function firstParts(parts: DatedPart[], wanted: number, { order }: LedgerFilter): DatedPart[] {
  const sign = order === 'updated_at' ? -1 : 1;
  parts.sort((one, other) => sign * (other.at.getTime() - one.at.getTime()));
  const last = parts[wanted - 1];
  return last ? parts.filter(({ at }) => sign * (at.getTime() - last.at.getTime()) >= 0) : parts;
}

/** At least `wanted` rows come no later than the first row of part number `wanted`. */
function excerptOf(parts: DatedPart[], wanted: number, { order = 'created_at' }: LedgerFilter): Excerpt {
  return { parts, until: parts[wanted - 1]?.at ?? END[order] };
}

/** Sorts after every row of a list. */
const END = { created_at: new Date(0), updated_at: new Date('9999-12-31T23:59:59.999Z') };
