import { decimalsOf } from '../../../src/payments/ledger/lists/decimals';
import { language } from './language';

const exact = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
const shortDay = new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric', timeZone: 'UTC' });
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
const count = new Intl.NumberFormat(language);

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

export const exactTime = (at: string): string => exact.format(new Date(at));
export const dayOf = (at: string): string => day.format(new Date(at));
export const shortDayOf = (seconds: number): string => shortDay.format(new Date(seconds * 1_000));
export const number = (value: number): string => count.format(value);

const CLOCK_SECONDS = 15;

export function ago(at: string, now: number): string {
  const difference = Math.round((Date.parse(at) - now) / 1_000);
  // The clock of the page is a little late, so what just happened is not in the future.
  const seconds = difference > 0 && difference <= CLOCK_SECONDS ? 0 : difference;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

const formats = new Map<string, Intl.NumberFormat>();

function currencyFormat(currency: string, compact: boolean): Intl.NumberFormat {
  const key = `${currency} ${compact}`;
  const known = formats.get(key);
  if (known) return known;
  const decimals = decimalsOf(currency);
  const format = new Intl.NumberFormat(language, {
    style: 'currency',
    currency,
    ...(compact
      ? { notation: 'compact', maximumFractionDigits: 1 }
      : { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
  });
  formats.set(key, format);
  return format;
}

/** An amount in the smallest unit that Stripe uses. */
export function money(amount: number, currency: string, { compact = false } = {}): string {
  return currencyFormat(currency, compact).format(amount / 10 ** decimalsOf(currency));
}

/** A change against an earlier value: `+12 %`. */
const percent = new Intl.NumberFormat(language, {
  style: 'percent',
  signDisplay: 'exceptZero',
  maximumFractionDigits: 1,
});
export const change = (now: number, before: number): string | undefined =>
  before === 0 ? undefined : percent.format(now / before - 1);
