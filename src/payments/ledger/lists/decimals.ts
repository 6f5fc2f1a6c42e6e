/** Digits after the decimal point by which Stripe's amounts are shifted (docs.stripe.com/currencies). */
const DECIMALS: Readonly<Record<number, readonly string[]>> = {
  // ISK and UGX are missing: Stripe gives them two decimals, although they have no minor unit.
  0: 'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '),
  3: 'bhd iqd jod kwd lyd omr tnd'.split(' '),
};

/** The console imports this too, so it imports nothing. */
export function decimalsOf(currency: string): number {
  const [digits = '2'] = Object.entries(DECIMALS).find(([, those]) => those.includes(currency)) ?? [];
  return Number(digits);
}
