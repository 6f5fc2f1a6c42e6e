import { type Decision, decide } from './decision.js';

const at = (seconds: number) => new Date(seconds * 1_000);
const known = { asOf: at(10), revision: 3 };
const same = { known: 0, told: 0 };

describe('what is told takes the place of what is known', () => {
  it.each<[string, number, number | undefined, { known: number; told: number }, boolean, Decision]>([
    ['when it is newer', 11, undefined, same, false, 'take'],
    ['not when it is older', 9, undefined, same, false, 'keep'],
    ['not when it says the same in the same second', 10, undefined, same, true, 'keep'],
    ['once Stripe was asked, when it says something else in the same second', 10, undefined, same, false, 'ask'],
    ['when Stripe was asked and nobody has written since', 10, 3, same, false, 'take'],
    ['once Stripe was asked again, when somebody has', 10, 2, same, false, 'ask'],
    ['when it is more final, though it is older', 9, undefined, { known: 0, told: 1 }, false, 'take'],
    ['not when it is less final, though it is newer', 11, undefined, { known: 1, told: 0 }, false, 'keep'],
  ])('%s', (_when, seconds, seen, finality, isSame, decision) => {
    expect(decide(known, { asOf: at(seconds), seen }, { finality, isSame })).toBe(decision);
  });

  it('when nothing is known', () => {
    expect(decide(undefined, { asOf: at(0) }, { finality: same, isSame: false })).toBe('take');
  });
});
