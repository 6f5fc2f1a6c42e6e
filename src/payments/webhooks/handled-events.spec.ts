import { EVENT_BATCHES, HANDLED_EVENTS, isHandled } from './handled-events.js';

describe('the event types that are handled', () => {
  it('are listed by reconcile in batches within the limit of Stripe: 20 types per request', () => {
    for (const batch of EVENT_BATCHES) {
      expect(batch.length).toBeGreaterThan(0);
      expect(batch.length).toBeLessThanOrEqual(20);
    }
    expect(EVENT_BATCHES.flat()).toEqual([...HANDLED_EVENTS]);
  });

  it('are each named once, and no other type is handled', () => {
    expect(new Set(HANDLED_EVENTS).size).toBe(HANDLED_EVENTS.length);
    expect(HANDLED_EVENTS.every(isHandled)).toBe(true);
    expect(isHandled('customer.created')).toBe(false);
  });
});
