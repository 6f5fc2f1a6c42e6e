import { Injectable } from '@nestjs/common';
import type { OwnerId, ProjectId } from '../../../common/ids.js';
import { Database } from '../../../database/database.js';
import { ReadableProjects } from '../../../projects/members/readable-projects.js';
import {
  type Excerpt,
  type LedgerFilter,
  type Listed,
  type ListKind,
  listPage,
  listTotal,
  newestOfParts,
  type Page,
  type Part,
  PAYMENT_LIST,
  type PaymentView,
  SUBSCRIPTION_LIST,
  type SubscriptionView,
} from './ledger-lists.statements.js';

interface List<View> {
  readonly rows: Listed<View>[];
  /** Number of rows on all pages. */
  readonly total: number;
}

/** Whose rows to list: those of one project, whoever asks, or those of all projects that a subject may read. */
export type Scope =
  { readonly projectId: ProjectId } | { readonly readableBy: OwnerId; readonly only?: ProjectId };

type DatedPart = Part & { readonly at: Date };

/** Before everything at Stripe. */
const EVER = new Date(0);

/** Lists subscriptions and payments, newest first. */
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

  /** Reads the page from the parts with the newest rows, as many as the page could need. */
  async #list<View>(
    kind: ListKind<View>,
    scope: Scope,
    filter: LedgerFilter,
    page: Page,
  ): Promise<List<View>> {
    const wanted = page.offset + page.limit;
    let total = 0;
    let newest: DatedPart[] = [];
    for await (const projects of this.#projectsIn(scope)) {
      const [count, parts] = [listTotal(kind, projects, filter), newestOfParts(kind, projects, filter)];
      const [[counted], dated] = await Promise.all([
        this.database.query(count.statement, count.values),
        this.database.query(parts.statement, parts.values),
      ]);
      total += counted?.total ?? 0;
      newest = newestParts(
        [...newest, ...dated.filter((part): part is DatedPart => part.at !== null)],
        wanted,
      );
    }
    if (page.offset >= total) return { rows: [], total };
    const { statement, values } = listPage(kind, excerptOf(newest, wanted), filter, page);
    return { rows: await this.database.query(statement, values), total };
  }

  async *#projectsIn(scope: Scope): AsyncGenerator<ProjectId[]> {
    if ('projectId' in scope) yield [scope.projectId];
    else if (scope.only === undefined) yield* this.readable.chunksOf(scope.readableBy);
    else if (await this.readable.has(scope.readableBy, scope.only)) yield [scope.only];
  }
}

/** Sorts parts by their newest row, and drops those that have no row on a page with `wanted` rows before its end. */
function newestParts(parts: DatedPart[], wanted: number): DatedPart[] {
  parts.sort((one, other) => other.at.getTime() - one.at.getTime());
  const last = parts[wanted - 1];
  return last ? parts.filter(({ at }) => at >= last.at) : parts;
}

/** At least `wanted` rows are no older than the newest row of part number `wanted`. */
function excerptOf(parts: DatedPart[], wanted: number): Excerpt {
  return { parts, since: parts[wanted - 1]?.at ?? EVER };
}
