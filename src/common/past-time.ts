const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** @param value RFC 3339, or seconds since 1970 as Stripe has them. @returns `undefined` when it is not a time that has been */
export function readPastTime(value: unknown): Date | undefined {
  const time = Number.isInteger(value)
    ? Number(value) * 1000
    : typeof value === 'string'
      ? readRfc3339(value)
      : NaN;
  return time >= 0 && time <= Date.now() ? new Date(time) : undefined;
}

function readRfc3339(text: string): number {
  const day = RFC_3339.exec(text)?.[1];
  // JavaScript takes February 30 for March 1 or 2.
  const isDay = day !== undefined && new Date(Date.parse(day)).getUTCDate() === Number(day.slice(-2));
  return isDay ? Date.parse(text) : NaN;
}
