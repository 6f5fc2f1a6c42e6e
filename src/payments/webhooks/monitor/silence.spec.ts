import { isSilent } from './silence.js';

const HOUR_MS = 3_600_000;
const NOW = new Date('2026-11-30T12:00:00.000Z');
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * HOUR_MS);
/** @param hours since each event, the newest first */
const arrivals = (hours: number[], first = Math.max(...hours)) => ({
  first: hoursAgo(first),
  last: hours.map(hoursAgo),
});
const every = (hours: number, count: number, silence: number) =>
  Array.from({ length: count }, (_, index) => silence + index * hours);

it.each([
  ['hourly events, a day of silence', arrivals(every(1, 50, 24), 200), false],
  ['hourly events, more than a day of silence', arrivals(every(1, 50, 24.1), 200), true],
  ['daily events, three days of silence', arrivals(every(24, 20, 72)), false],
  ['daily events, more than three days of silence', arrivals(every(24, 20, 72.1)), true],
  ['weekly events, two weeks of silence', arrivals(every(168, 12, 336)), false],
  ['a single long pause before', arrivals([80, 81, 82, 200, 201, 300, 301, 302, 303, 304]), false],
  ['nine events', arrivals(every(24, 9, 500)), false],
  ['ten events within six days', arrivals(every(16, 10, 500)), false],
  ['no event', { first: undefined, last: [] }, false],
])('judges silence: %s', (_, usual, expected) => {
  expect(isSilent(usual, NOW)).toBe(expected);
});
