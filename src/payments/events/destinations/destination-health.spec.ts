import { measureFor } from './destination-health.js';

const HOUR_MS = 3_600_000;
const START = new Date('2026-11-01T00:00:00.000Z');
const after = (hours: number) => new Date(START.getTime() + hours * HOUR_MS);

describe('measureFor', () => {
  const failing = (lastFailure: number, warnings = 0) => ({
    failingSince: START,
    lastFailureAt: after(lastFailure),
    warnings,
  });

  it.each([
    ['nothing before a day', failing(23), 23.9, undefined],
    ['a warning after a day', failing(23), 24, 'warn'],
    ['one warning only', failing(40, 1), 71.9, undefined],
    ['a second warning after three days', failing(40, 1), 72, 'warn'],
    ['no third warning', failing(40, 2), 119.9, undefined],
    ['disables after five days', failing(40, 2), 120, 'disable'],
    ['keeps a destination whose failures lie less than 12 hours apart', failing(11.9, 2), 500, undefined],
    ['disables when two failures lie 12 hours apart', failing(12, 2), 120, 'disable'],
  ] as const)('%s', (_, destination, hours, measure) => {
    expect(measureFor(destination, after(hours))).toBe(measure);
  });

  it('does nothing about a destination that succeeded last', () => {
    expect(
      measureFor({ failingSince: null, lastFailureAt: after(1), warnings: 0 }, after(500)),
    ).toBeUndefined();
  });
});
