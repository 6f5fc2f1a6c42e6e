import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { ProjectId } from '../../../src/common/ids.js';
import { Database } from '../../../src/database/database.js';
import {
  firstOfParts,
  isCounted,
  type LedgerFilter,
  listPage,
  listTotal,
  PAYMENT_LIST,
  SUBSCRIPTION_LIST,
} from '../../../src/payments/ledger/lists/ledger-lists.statements.js';
import { explainIn } from '../../harness/database/explain.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const projectId = randomUUID() as ProjectId;
const mode = 'live' as const;
const [userId, id, customerId] = [randomUUID(), randomUUID(), 'cus_1'];
const [createdAfter, createdBefore] = [new Date(0), new Date()];
const updated = { order: 'updated_at', updatedSince: new Date(0), updatedBefore: new Date() } as const;

/** Filters, and for each the index that gives a project's rows in order, so that only one page of them is read. */
const PLANS: [LedgerFilter, index: string][] = [
  [{}, 'by_project'],
  [{ mode, createdAfter, createdBefore }, 'by_project'],
  [{ mode, status: 'refunded' }, 'by_status'],
  [{ status: 'refunded', createdAfter, createdBefore }, 'by_status'],
  [{ mode, userId }, 'by_user'],
  [{ userId, status: 'refunded' }, 'by_user'],
  [{ mode, customerId, status: 'refunded' }, 'by_customer'],
  [{ customerId, userId, createdAfter }, 'by_customer'],
  [{ mode, ...updated }, 'by_update'],
  [{ ...updated }, 'by_update'],
  [{ mode, subscriptionId: id }, 'by_subscription'],
];

/** Rows of the project, so that PostgreSQL has statistics to plan with. */
const ROWS = {
  stripe_payments: [
    'payment_intent_id, user_rank, amount_cents, currency, refunded_amount_cents, source_rank',
    `'pi_' || n, 0, 1, 'usd', 0, 1`,
  ],
  stripe_subscriptions: ['subscription_id, quantity', `'sub_' || n, 1`],
} as const;

describe('a list', () => {
  let app: TestApp;
  let explain: ReturnType<typeof explainIn>;

  beforeAll(async () => {
    app = await startTestApp();
    const database = app.app.get(Database);
    const dataSource = app.app.get(DataSource);
    explain = explainIn(database);
    if (database.engine === 'sqlite') return;
    await dataSource.query(
      `INSERT INTO projects (id, owner_id, name, search_name, created_at, updated_at)
       SELECT CASE n WHEN 0 THEN $1::uuid ELSE gen_random_uuid() END, 'developer-1', 'Shop', 'shop', now(), now() FROM generate_series(0, 99) n`,
      [projectId],
    );
    for (const [table, [columns, values]] of Object.entries(ROWS))
      await dataSource.query(
        `INSERT INTO ${table} (project_id, mode, id, user_id, customer_id, status, created_at, as_of, revision, updated_at, ${columns})
         SELECT $1, CASE n % 2 WHEN 0 THEN 'test' ELSE 'live' END, gen_random_uuid(),
           md5((n % 500)::text)::uuid, 'cus_' || n % 500, CASE n % 10 WHEN 0 THEN 'refunded' ELSE 'succeeded' END,
           now() - n * interval '1 minute', now(), 1, now() - n * interval '1 minute', ${values}
         FROM generate_series(1, 20000) n`,
        [projectId],
      );
    await dataSource.query('ANALYZE');
  });
  afterAll(() => app.close());

  /** Names of the indexes by which the listed table is read. */
  const indexesIn = (plan: string, table: string) => {
    const names = [
      ...plan.matchAll(/SEARCH [lf] USING (?:COVERING )?INDEX (\w+)/g),
      ...plan.matchAll(/(?:using|on) (stripe_\w+) (?:on \w+ [lf](?:_\d+)?\b|\s*\(cost)/g),
    ].map(([, name = '']) => name.replace('sqlite_autoindex_', '').replace(`${table}_`, ''));
    return [...new Set(names)]
      .filter((name) => !name.startsWith('stripe_'))
      .map((name) => (name === '1' ? 'pk' : name))
      .sort();
  };

  it.each(PLANS)('reads one range of an index for %j', async (filter, ofPayments) => {
    for (const [kind, index] of [
      [PAYMENT_LIST, ofPayments],
      [SUBSCRIPTION_LIST, ofPayments.replace('by_subscription', 'pk')],
    ] as const) {
      const parts = [
        { projectId, mode: 'test' },
        { projectId, mode: 'live' },
      ] as const;
      const until = filter.order === 'updated_at' ? new Date() : new Date(0);
      const page = listPage<unknown>(kind, { parts, until }, filter, { limit: 50, offset: 0 });
      for (const call of [firstOfParts(kind, [projectId], filter), page]) {
        const plan = await explain(call);
        expect([plan, indexesIn(plan, kind.table)]).toEqual([plan, [index]]);
        expect(plan).not.toMatch(/SCAN [lf]\b|AUTOMATIC|Seq Scan on stripe_(?:payments|subscriptions)/);
        expect(call.statement.name?.length).toBeLessThan(64);
      }
      const total = listTotal(kind, [projectId], filter);
      expect(await explain(total)).not.toMatch(
        isCounted(filter) ? /stripe_(?:pay|sub)/ : /SCAN l\b|AUTOMATIC/,
      );
      expect(total.statement.name?.length).toBeLessThan(64);
    }
  });

  it('has a different statement name for each combination of filters, short enough for PostgreSQL', () => {
    const all = {
      mode,
      status: 'refunded',
      userId,
      customerId,
      subscriptionId: id,
      createdAfter,
      createdBefore,
      ...updated,
    };
    const names = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((skipped) => {
      const filter = Object.fromEntries(Object.entries(all).filter((_, index) => index !== skipped));
      return [firstOfParts, listTotal].map(
        (list) => list(SUBSCRIPTION_LIST, [projectId], filter).statement.name,
      );
    });
    expect(new Set(names).size).toBe(20);
    for (const name of names) expect(name?.length).toBeLessThan(64);
  });
});
