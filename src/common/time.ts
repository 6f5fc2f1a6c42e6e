const TIME =
  /^(\d{4}-\d\d-\d\d)[Tt ]([0-2]\d:[0-5]\d:[0-5]\d)(?:\.(\d{1,12}))?(?:[Zz]|([+ -])(\d\d):(\d\d))$/;
const DAY = /^\d{4}-\d\d-\d\d$/;

export const DAY_MS = 86_400_000;

/** Range of both databases. */
const [FIRST, LAST] = [Date.parse('0001-01-01T00:00:00.000Z'), Date.parse('9999-12-31T23:59:59.999Z')];

/**
 * Reads a time of RFC 3339. A fraction below a millisecond is rounded up, so that comparisons with times in whole
 * milliseconds stay exact. A space before the offset is a `+` that was not encoded in a URL.
 */
export function parseTime(text: string): Date | undefined {
  const [, day = '', time = '', fraction = '', sign, hours = '0', minutes = '0'] = TIME.exec(text) ?? [];
  if (!isDay(day) || time > '23:59:59' || hours > '23' || minutes > '59') return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3)) + Number(/[1-9]/.test(fraction.slice(3)));
  const at = Date.parse(`${day}T${time}Z`) + milliseconds - offset;
  return new Date(Math.min(Math.max(at, FIRST), LAST));
}

/** Whether the text is a date of the calendar, as in `2026-11-21`. */
export function isDay(text: string): boolean {
  if (!DAY.test(text) || text.startsWith('0000')) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.valueOf()) && dayOf(date) === text;
}

/** The day in UTC, as in `2026-11-21`. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
