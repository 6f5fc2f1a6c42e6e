import type Stripe from 'stripe';
import { StripeCalls } from './buyer.guard.js';

const stripe = {} as Stripe;
const never = () => new Promise<never>(() => undefined);

describe('StripeCalls', () => {
  let calls: StripeCalls;

  beforeEach(() => {
    jest.useFakeTimers();
    calls = new StripeCalls(stripe);
  });
  afterEach(() => jest.useRealTimers());

  it('returns the response and rethrows errors', async () => {
    await expect(calls.make(async (given) => given)).resolves.toBe(stripe);
    await expect(calls.make(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('limits all calls together to 12 seconds, and makes none afterwards', async () => {
    await calls.make(async () => jest.advanceTimersByTime(11_000));
    const last = expect(calls.make(never)).rejects.toMatchObject({
      code: 'stripe_unavailable',
      retryAfterSeconds: expect.any(Number) as number,
    });
    jest.advanceTimersByTime(1_000);
    await last;
    const call = jest.fn();
    await expect(calls.make(call)).rejects.toMatchObject({ code: 'stripe_unavailable' });
    expect(call).not.toHaveBeenCalled();
  });

  it('starts the deadline with the first call', async () => {
    jest.advanceTimersByTime(60_000);
    await expect(calls.make(async () => 'answer')).resolves.toBe('answer');
  });
});
