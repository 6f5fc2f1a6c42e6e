import { DomainError } from '../../common/errors.js';
import {
  assertCondition,
  type ConfigState,
  entityTagOf,
  failedCondition,
  type Precondition,
} from './precondition.js';

const never = undefined;
const active: ConfigState = { version: 3, isActive: true };
const deleted: ConfigState = { version: 4, isActive: false };

function refusal(precondition: Precondition, state: ConfigState): unknown {
  try {
    assertCondition(precondition, state);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('a condition', () => {
  it.each<[string, Precondition, { never: boolean; active: boolean; deleted: boolean }]>([
    ['none', {}, { never: true, active: true, deleted: true }],
    ['If-Match: *', { ifMatch: '*' }, { never: false, active: true, deleted: false }],
    ['If-Match: "0"', { ifMatch: [0] }, { never: true, active: false, deleted: false }],
    ['If-Match: "3"', { ifMatch: [3] }, { never: false, active: true, deleted: false }],
    ['If-Match: "4"', { ifMatch: [4] }, { never: false, active: false, deleted: true }],
    ['If-Match: "3", "4"', { ifMatch: [3, 4] }, { never: false, active: true, deleted: true }],
    ['If-Match with tags of others only', { ifMatch: [] }, { never: false, active: false, deleted: false }],
    ['If-None-Match: *', { ifNoneMatch: '*' }, { never: true, active: false, deleted: true }],
    ['If-None-Match: "0"', { ifNoneMatch: [0] }, { never: false, active: true, deleted: true }],
    ['If-None-Match: "3"', { ifNoneMatch: [3] }, { never: true, active: false, deleted: true }],
    ['If-None-Match: "4"', { ifNoneMatch: [4] }, { never: true, active: true, deleted: false }],
    [
      'If-None-Match with tags of others only',
      { ifNoneMatch: [] },
      { never: true, active: true, deleted: true },
    ],
    ['both that hold', { ifMatch: [3], ifNoneMatch: [2] }, { never: false, active: true, deleted: false }],
    [
      'two that exclude each other',
      { ifMatch: '*', ifNoneMatch: '*' },
      { never: false, active: false, deleted: false },
    ],
  ])('%s holds where it should', (_, precondition, holds) => {
    const held = (state: ConfigState) => refusal(precondition, state) === undefined;
    expect({ never: held(never), active: held(active), deleted: held(deleted) }).toEqual(holds);
  });

  it('tells which of two does not hold, If-Match first', () => {
    expect(failedCondition({ ifMatch: [2], ifNoneMatch: [3] }, active)).toBe('ifMatch');
    expect(failedCondition({ ifMatch: [3], ifNoneMatch: [3] }, active)).toBe('ifNoneMatch');
    expect(failedCondition({ ifMatch: [3], ifNoneMatch: [2] }, active)).toBeUndefined();
  });

  it('is refused with the tag that would have matched, and a sentence of its own', () => {
    const outdated = refusal({ ifMatch: [2] }, active);
    expect(outdated).toBeInstanceOf(DomainError);
    expect(outdated).toMatchObject({
      code: 'precondition_failed',
      entityTag: '"3"',
      message: expect.stringContaining('If-Match') as string,
    });
    expect(refusal({ ifNoneMatch: '*' }, active)).toMatchObject({
      code: 'precondition_failed',
      entityTag: '"3"',
      message: expect.stringContaining('If-None-Match') as string,
    });
    expect(refusal({ ifNoneMatch: [0] }, never)).toMatchObject({
      entityTag: '"0"',
      message: expect.stringContaining('never had a configuration') as string,
    });
    expect(refusal({ ifMatch: '*' }, never)).toMatchObject({ entityTag: '"0"' });
  });
});

it('every state has a strong tag of its own', () => {
  expect([never, active, deleted].map(entityTagOf)).toEqual(['"0"', '"3"', '"4"']);
});
