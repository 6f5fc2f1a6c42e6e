import { randomUUID } from 'node:crypto';
import { OpaqueKeys } from '../../src/auth/opaque-keys/opaque-keys.js';
import { newOpaqueKey } from '../../src/auth/opaque-keys/opaque-key.js';
import { Database, toTimestamp } from '../../src/database/database.js';
import { DatabaseNotifications } from '../../src/database/notifications.js';
import { createTestDatabase, type TestDatabase } from '../harness/database/test-database.js';
import { execute, rowsOf } from '../harness/database/rows.js';
import { eventually } from '../harness/eventually.js';
import { startTestApp, type TestApp, testEnvironment } from '../harness/test-app.js';

const KIND = 'service_account';
const IP = '192.0.2.7';
const HOUR_MS = 3_600_000;

let database: TestDatabase;
let apps: [TestApp, TestApp];
let one: Process;
let other: Process;

/** The keys of one of two processes on a database. */
class Process {
  readonly keys: OpaqueKeys;
  readonly database: Database;
  /** Holders that were read. */
  readonly loads: string[] = [];
  isGone = false;

  constructor(private readonly app: TestApp) {
    this.keys = app.app.get(OpaqueKeys);
    this.database = app.app.get(Database);
  }

  issue(options?: Parameters<OpaqueKeys['issue']>[2], holderId: string = randomUUID()): Promise<string> {
    return this.database.transaction(() => this.keys.issue(KIND, holderId, options));
  }

  verify(key: string, ip = IP) {
    return this.keys.verify(KIND, { key, ip }, async (holderId) => {
      this.loads.push(holderId);
      return this.isGone ? undefined : { holderId };
    });
  }

  /** Verifies until the key is cached: messages of other processes must arrive first. */
  async warm(key: string): Promise<void> {
    await eventually(async () => {
      expect(this.app.app.get(DatabaseNotifications).isCurrent()).toBe(true);
      await this.verify(key);
      const { length } = this.loads;
      await this.verify(key);
      expect(this.loads).toHaveLength(length);
    });
  }
}

beforeAll(async () => {
  database = await createTestDatabase();
  const environment = testEnvironment(database);
  apps = [await startTestApp({ database, environment }), await startTestApp({ database, environment })];
});
afterAll(async () => {
  for (const app of apps) await app.close();
  await database.drop();
});
beforeEach(() => {
  one = new Process(apps[0]);
  other = new Process(apps[1]);
});
afterEach(() => jest.restoreAllMocks());

const rowsFor = async (holderId: string) =>
  (await rowsOf(database, 'opaque_keys')).filter((row) => row['holder_id'] === holderId);

describe('a key', () => {
  it('is verified in every process, and stored as a hash alone', async () => {
    const holderId = randomUUID();
    const key = await one.issue({}, holderId);
    for (const process of [one, other]) expect(await process.verify(key)).toEqual({ holder: { holderId } });
    const [row] = await rowsFor(holderId);
    expect(JSON.stringify(row)).not.toContain(key.slice(4, 47));
  });

  it('needs no query once it is cached, however often it is verified', async () => {
    const key = await one.issue();
    await one.warm(key);
    await eventually(async () => {
      const [query, write] = [jest.spyOn(one.database, 'query'), jest.spyOn(one.database, 'write')];
      for (let count = 0; count < 100; count += 1) expect((await one.verify(key)).refusal).toBeUndefined();
      // Excludes the probes of notifications.
      const texts = query.mock.calls.map(([statement]) => JSON.stringify(statement.text));
      jest.restoreAllMocks();
      expect(texts.filter((text) => text.includes('opaque_keys'))).toEqual([]);
      expect(write).not.toHaveBeenCalled();
    });
  });

  it('is refused without a query if it is malformed', async () => {
    const query = jest.spyOn(one.database, 'query');
    const key = newOpaqueKey(KIND);
    const typo = key.slice(0, -8) + (key.at(-8) === 'a' ? 'b' : 'a') + key.slice(-7);
    for (const text of ['', 'tks_', typo, newOpaqueKey('invitation')])
      expect(await one.verify(text)).toEqual({ refusal: 'malformed' });
    expect(query.mock.calls.filter(([{ name }]) => name === 'find_opaque_key')).toEqual([]);
  });

  it('is refused if nobody made it, or if its holder is gone', async () => {
    expect(await one.verify(newOpaqueKey(KIND))).toEqual({ refusal: 'unknown' });
    const key = await one.issue();
    one.isGone = true;
    expect(await one.verify(key)).toEqual({ refusal: 'unknown' });
  });

  it('is refused after its expiry, also when it is cached', async () => {
    const key = await one.issue({ expiresAt: new Date(Date.now() + HOUR_MS) });
    await one.warm(key);
    expect((await one.verify(key)).refusal).toBeUndefined();
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + HOUR_MS);
    expect(await one.verify(key)).toEqual({ refusal: 'expired' });
    expect(await other.verify(key)).toEqual({ refusal: 'expired' });
  });

  it('is refused from an address outside of its networks', async () => {
    const key = await one.issue({ networks: ['192.0.2.0/24', '2001:db8::/32'] });
    for (const ip of [IP, '::ffff:192.0.2.9', '2001:db8::1'])
      expect((await one.verify(key, ip)).refusal).toBeUndefined();
    for (const ip of ['192.0.3.1', '2001:db9::1', ''])
      expect(await one.verify(key, ip)).toEqual({ refusal: 'wrong_network' });
  });

  it('has the time of its last use, written at most once a minute by all processes together', async () => {
    const holderId = randomUUID();
    const key = await one.issue({}, holderId);
    const usedAt = async () => {
      const time = (await rowsFor(holderId))[0]?.['last_used_at'];
      return time === null ? 0 : Date.parse(toTimestamp(time as Date | string));
    };
    await one.verify(key);
    await eventually(async () => expect(await usedAt()).toBeGreaterThan(0));
    const first = await usedAt();
    const writes = [one, other].map(({ database: each }) => jest.spyOn(each, 'write'));
    for (const process of [one, other, one, other]) await process.verify(key);
    for (const write of writes) await Promise.all(write.mock.results.map(({ value }) => value as unknown));
    expect(await usedAt()).toBe(first);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_001);
    for (const process of [one, other]) await process.verify(key);
    jest.restoreAllMocks();
    await eventually(async () => expect(await usedAt()).toBeGreaterThan(first + 60_000));
  });

  it('is verified when the time of its use can not be written', async () => {
    const key = await one.issue();
    jest.spyOn(one.database, 'write').mockRejectedValue(new Error('The disk is full.'));
    expect((await one.verify(key)).refusal).toBeUndefined();
  });
});

describe('a revocation', () => {
  const revoke = async ({ keys, database: each }: Process, holderId: string) => {
    await each.transaction(() => keys.revoke(KIND, holderId));
    keys.announce(holderId);
  };

  it('takes effect at once in its process, and within two seconds in the other, every time', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [writer, reader] = round % 2 ? [one, other] : [other, one];
      const holderId = randomUUID();
      const key = await writer.issue({}, holderId);
      for (const process of [writer, reader]) await process.warm(key);
      await revoke(writer, holderId);
      const revokedAt = performance.now();
      expect(await writer.verify(key)).toEqual({ refusal: 'unknown' });
      await eventually(async () => expect(await reader.verify(key)).toEqual({ refusal: 'unknown' }));
      expect(performance.now() - revokedAt).toBeLessThan(2_000);
    }
  });

  it('ends the keys of its holder and no others', async () => {
    const [holderId, neighbour] = [randomUUID(), randomUUID()];
    const keys = [await one.issue({}, holderId), await one.issue({}, holderId)];
    const kept = await one.issue({}, neighbour);
    for (const key of [...keys, kept]) await one.warm(key);
    await revoke(one, holderId);
    for (const key of keys) expect(await one.verify(key)).toEqual({ refusal: 'unknown' });
    expect(await one.verify(kept)).toEqual({ holder: { holderId: neighbour } });
  });

  it('is not undone by a verification that began before it', async () => {
    const holderId = randomUUID();
    const key = await one.issue({}, holderId);
    await one.keys.verify(KIND, { key, ip: IP }, async () => {
      await revoke(one, holderId);
      return {};
    });
    expect(await one.verify(key)).toEqual({ refusal: 'unknown' });
  });

  it('takes effect within two seconds when the row was deleted by hand and messages are lost', async () => {
    const holderId = randomUUID();
    const key = await one.issue({}, holderId);
    await one.warm(key);
    await execute(database, `DELETE FROM opaque_keys WHERE holder_id = '${holderId}'`);
    jest.spyOn(apps[0].app.get(DatabaseNotifications), 'isCurrent').mockReturnValue(false);
    expect(await one.verify(key)).toEqual({ refusal: 'unknown' });
  });
});

describe('a rotation', () => {
  const rotate = async (holderId: string, options: { graceMs: number; expiresAt?: Date | null }) => {
    const key = await one.database.transaction(() => one.keys.rotate(KIND, holderId, options));
    one.keys.announce(holderId);
    return key ?? 'none';
  };

  it('makes a key beside the former ones, which end with the grace period', async () => {
    const holderId = randomUUID();
    const first = await one.issue({ networks: ['192.0.2.0/24'] }, holderId);
    for (const process of [one, other]) await process.warm(first);
    const second = await rotate(holderId, { graceMs: HOUR_MS });
    const third = await rotate(holderId, { graceMs: 2 * HOUR_MS });
    for (const process of [one, other])
      for (const key of [first, second, third])
        expect(await process.verify(key)).toEqual({ holder: { holderId } });
    expect(await one.verify(third, '198.51.100.1')).toEqual({ refusal: 'wrong_network' });

    const now = Date.now();
    const later = jest.spyOn(Date, 'now').mockReturnValue(now + 1.5 * HOUR_MS);
    expect(await one.verify(first)).toEqual({ refusal: 'expired' });
    expect((await one.verify(second)).refusal).toBeUndefined();
    later.mockReturnValue(now + 2.5 * HOUR_MS);
    expect(await one.verify(second)).toEqual({ refusal: 'expired' });
    expect((await one.verify(third)).refusal).toBeUndefined();
  });

  it('ends the former keys at once without a grace period', async () => {
    const holderId = randomUUID();
    const first = await one.issue({}, holderId);
    await one.warm(first);
    const second = await rotate(holderId, { graceMs: 0 });
    expect(await one.verify(first)).toEqual({ refusal: 'expired' });
    expect((await one.verify(second)).refusal).toBeUndefined();
    await rotate(holderId, { graceMs: 0 });
    // The next rotation deletes what has expired.
    expect(await rowsFor(holderId)).toHaveLength(2);
  });

  it('keeps the expiry, or sets another one, and never prolongs a former key', async () => {
    const holderId = randomUUID();
    const soon = new Date(Date.now() + HOUR_MS);
    const first = await one.issue({ expiresAt: soon }, holderId);
    const second = await rotate(holderId, { graceMs: 24 * HOUR_MS });
    const third = await rotate(holderId, { graceMs: 24 * HOUR_MS, expiresAt: null });
    jest.spyOn(Date, 'now').mockReturnValue(soon.getTime());
    expect(await one.verify(first)).toEqual({ refusal: 'expired' });
    expect(await one.verify(second)).toEqual({ refusal: 'expired' });
    expect((await one.verify(third)).refusal).toBeUndefined();
  });

  it('makes none for a holder without a key', async () => {
    expect(await rotate(randomUUID(), { graceMs: HOUR_MS })).toBe('none');
  });
});

describe('a key that works once', () => {
  const issue = (holderId: string, options?: Parameters<OpaqueKeys['issue']>[2]) =>
    one.database.transaction(() => one.keys.issue('invitation', holderId, options));
  const redeem = ({ keys, database: each }: Process, key: string) =>
    each.transaction(() => keys.redeem('invitation', key));

  it('is used up by one of several requests in several processes', async () => {
    const holderId = randomUUID();
    const key = await issue(holderId);
    expect(await other.keys.holderOf('invitation', key)).toBe(holderId);
    const answers = await Promise.all([one, other, one, other].map((process) => redeem(process, key)));
    expect(answers.filter((answer) => answer !== undefined)).toEqual([holderId]);
    expect(await one.keys.holderOf('invitation', key)).toBeUndefined();
    expect(await rowsFor(holderId)).toEqual([]);
  });

  it('is not used up by a transaction that fails', async () => {
    const holderId = randomUUID();
    const key = await issue(holderId);
    const failing = one.database.transaction(function* () {
      yield* one.keys.redeem('invitation', key);
      throw new Error('refused');
    });
    await expect(failing).rejects.toThrow('refused');
    expect(await redeem(one, key)).toBe(holderId);
  });

  it('is no key of another kind, and not valid after its expiry', async () => {
    const key = await issue(randomUUID(), { expiresAt: new Date(Date.now() - 1) });
    expect(await one.keys.holderOf('invitation', key)).toBeUndefined();
    expect(await redeem(one, key)).toBeUndefined();
    const account = await one.issue();
    expect(await redeem(one, account)).toBeUndefined();
    expect(await one.keys.holderOf('invitation', account)).toBeUndefined();
  });
});
