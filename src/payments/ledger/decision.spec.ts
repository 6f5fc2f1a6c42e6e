import { type Decision, decide, furtherOn } from './decision.js';

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

  it.each<[string, number, number, Decision]>([
    ['when it was so later', 11, 15, 'take'],
    ['not when it was so earlier', 5, 9, 'keep'],
    ['once Stripe was asked again, when it may have been so either way', 8, 12, 'ask'],
    ['once Stripe was asked again, when it may have been so in the same second', 8, 10, 'ask'],
  ])('by an answer, %s', (_when, from, until, decision) => {
    expect(decide(known, { asOf: at(from), until: at(until) }, { finality: same, isSame: false })).toBe(decision);
  });

  it.each<[string, number, number, boolean, Decision]>([
    ['whatever the times say, when nobody has written since Stripe was asked', 5, 3, false, 'take'],
    ['not when somebody has, though it seems newer', 15, 2, false, 'ask'],
    ['not when somebody has who was told the same', 15, 2, true, 'keep'],
    ['for its time, when it says the same', 15, 3, true, 'take'],
    ['not when it says the same of an earlier time', 5, 3, true, 'keep'],
  ])('by an answer to a question, %s', (_when, from, seen, isSame, decision) => {
    expect(decide(known, { asOf: at(from), seen }, { finality: same, isSame })).toBe(decision);
  });

  it('when nothing is known', () => {
    expect(decide(undefined, { asOf: at(0) }, { finality: same, isSame: false })).toBe('take');
  });
});

it('is the same status of two, whichever comes first', () => {
  for (const [one, other, further] of [
    ['a', 'b', 'b'],
    ['b', 'unknown', 'b'],
    ['x', 'unknown', 'unknown'],
  ] as const) {
    expect(furtherOn(['a', 'b'], one, other)).toBe(further);
    expect(furtherOn(['a', 'b'], other, one)).toBe(further);
  }
});
