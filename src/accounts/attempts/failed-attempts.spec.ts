import type { Settings } from '../../config/settings.js';
import { FailedAttempts } from './failed-attempts.js';
import type { FailedLoginsRepository, FailureCount } from './failed-logins.repository.js';

type Counts = Pick<FailedLoginsRepository, 'find' | 'add' | 'forget'>;

const turn = () => new Promise((resolve) => setImmediate(resolve));
const addresses = (count: number) =>
  Array.from({ length: count }, (_, index) => `198.51.${index >> 8}.${index & 255}`);

/** Counts as the database does, in one window. */
class CountsInMemory implements Counts {
  readonly #counts = new Map<string, FailureCount>();

  async find(keys: readonly string[]): Promise<FailureCount[]> {
    await turn();
    return keys.flatMap((key) => this.#counts.get(key) ?? []);
  }

  async add(keys: readonly [string, string], windowMs: number): Promise<FailureCount[]> {
    await turn();
    for (const key of keys) {
      const { failures, endsAt } = this.#counts.get(key) ?? {
        failures: 0,
        endsAt: new Date(Date.now() + windowMs),
      };
      this.#counts.set(key, { key, failures: failures + 1, endsAt });
    }
    return this.find(keys);
  }

  async forget(key: string): Promise<void> {
    await turn();
    this.#counts.delete(key);
  }
}

describe('FailedAttempts', () => {
  let attempts: FailedAttempts;
  const tried = jest.fn(async (isRight: boolean) => {
    await turn();
    return isRight ? 'in' : undefined;
  });
  const all = (tries: [ip: string, email: string, isRight: boolean][]) =>
    Promise.all(
      tries.map(([ip, email, isRight]) =>
        attempts
          .limit(ip, email, () => tried(isRight))
          .then(
            (result) => result ?? 'wrong',
            ({ retryAfterSeconds }: { retryAfterSeconds: number }) => retryAfterSeconds,
          ),
      ),
    );
  const countOf = (results: unknown[], result: unknown) => results.filter((each) => each === result).length;

  beforeEach(() => {
    tried.mockClear();
    attempts = new FailedAttempts({ rateLimitPerMinute: 1 } as Settings, new CountsInMemory());
  });

  it('accepts every right password among concurrent attempts, at one account or from one address', async () => {
    expect(new Set(await all(addresses(200).map((ip) => [ip, 'a@example.com', true])))).toEqual(
      new Set(['in']),
    );
    expect(
      new Set(await all(addresses(200).map((_, index) => ['192.0.2.1', `${index}@example.com`, true]))),
    ).toEqual(new Set(['in']));
  });

  it('tries ten of 1,000 concurrent wrong passwords at one account, and fifty from one address', async () => {
    expect(countOf(await all(addresses(1_000).map((ip) => [ip, 'a@example.com', false])), 'wrong')).toBe(10);
    expect(tried).toHaveBeenCalledTimes(10);
    expect(
      countOf(
        await all(addresses(1_000).map((_, index) => ['192.0.2.1', `${index}@example.com`, false])),
        'wrong',
      ),
    ).toBe(50);
    expect(tried).toHaveBeenCalledTimes(60);
  });

  it('checks the count of failures before each attempt', async () => {
    const mixed = addresses(40).map((ip, index): [string, string, boolean] => [
      ip,
      'a@example.com',
      index % 5 !== 0,
    ]);
    const results = await all(mixed);
    expect([countOf(results, 'wrong'), countOf(results, 'in')]).toEqual([8, 32]);
    expect(await all([3, 4, 5].map((last) => [`192.0.2.${last}`, 'a@example.com', false]))).toEqual([
      'wrong',
      'wrong',
      600,
    ]);
    expect(await all([['192.0.2.1', 'a@example.com', true]])).toEqual([600]);
  });

  it('queues at most 256 attempts, and refuses the others with Retry-After 1', async () => {
    const results = await all(addresses(300).map((ip) => [ip, 'a@example.com', true]));
    expect([countOf(results, 'in'), countOf(results, 1)]).toEqual([266, 34]);
  });

  it('does not count an attempt that throws', async () => {
    const broken = () => Promise.reject(new Error('the database'));
    for (let index = 0; index < 20; index += 1)
      await expect(attempts.limit('192.0.2.1', 'a@example.com', broken)).rejects.toThrow('database');
    expect(await all([['192.0.2.1', 'a@example.com', true]])).toEqual(['in']);
  });
});
