import type { OwnerId } from '../../common/ids.js';
import type { Caller } from '../caller.js';
import { RecentTokens } from './recent-tokens.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const caller: Caller = { kind: 'developer', sub: 'developer-1' as OwnerId };

describe('a verified token', () => {
  it('is cached for 30 seconds, and no other token', () => {
    const tokens = new RecentTokens();
    tokens.keep('a.b.c', { caller, expiresAt: NOW + 3_600_000 }, NOW);
    expect(tokens.find('a.b.c', NOW + 29_999)).toBe(caller);
    expect(tokens.find('a.b.d', NOW)).toBeUndefined();
    expect(tokens.find('a.b.c', NOW + 30_000)).toBeUndefined();
    expect(tokens.find('a.b.c', NOW)).toBeUndefined();
  });

  it('is dropped when it expires', () => {
    const tokens = new RecentTokens();
    tokens.keep('a.b.c', { caller, expiresAt: NOW + 1_000 }, NOW);
    expect(tokens.find('a.b.c', NOW + 999)).toBe(caller);
    expect(tokens.find('a.b.c', NOW + 1_000)).toBeUndefined();
  });

  it('is evicted when there are many', () => {
    const tokens = new RecentTokens();
    for (let number = 0; number <= 1_000; number++)
      tokens.keep(`a.b.${number}`, { caller, expiresAt: NOW + 1_000 }, NOW);
    expect([0, 1, 1_000].map((number) => tokens.find(`a.b.${number}`, NOW))).toEqual([
      undefined,
      caller,
      caller,
    ]);
  });
});
