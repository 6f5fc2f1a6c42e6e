import { canonicalJson } from './idempotent-answers.js';

describe('canonicalJson', () => {
  it('does not depend on the order of members, at any depth', () => {
    expect(canonicalJson({ b: [{ y: 1, x: null }], a: 'text' })).toBe(
      canonicalJson({ a: 'text', b: [{ x: null, y: 1 }] }),
    );
  });

  it.each([
    [{ a: 1 }, { a: '1' }],
    [{ a: null }, {}],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: { b: 1 } }, { a: 1, b: 1 }],
  ])('distinguishes %j and %j', (one, other) => {
    expect(canonicalJson(one)).not.toBe(canonicalJson(other));
  });
});
