import { parseProjectId } from '../../../common/ids.js';
import { endUserId } from '../../../auth/caller.js';
import { mergedMetadata, metadataProblem } from './metadata.js';

const PROJECT_ID = '7b0c2a52-6d0f-4f57-9f0e-1d3f2c5a9b11';
const projectId = parseProjectId(PROJECT_ID);
if (!projectId) throw new Error('This is a UUID.');
const USER_ID = '2ed6657d-e927-468b-95e1-2665a8aea6a2';
const buyer = { projectId, userId: endUserId(projectId, USER_ID) };

const entries = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`name ${index}`, 'x']));

describe('mergedMetadata', () => {
  it('overrides user_id and project_id', () => {
    const given = { user_id: 'somebody else', project_id: 'another', campaign: 'autumn' };
    expect(mergedMetadata(given, buyer)).toEqual({
      user_id: USER_ID,
      project_id: PROJECT_ID,
      campaign: 'autumn',
    });
  });

  it('converts numbers and booleans to text, and drops null', () => {
    expect(mergedMetadata({ seats: 3, gift: false, coupon: null }, buyer)).toEqual({
      seats: '3',
      gift: 'false',
      user_id: USER_ID,
      project_id: PROJECT_ID,
    });
  });
});

describe('metadataProblem', () => {
  it.each([
    undefined,
    null,
    {},
    entries(48),
    { ...entries(48), user_id: 'x', project_id: 'y' },
    { ['n'.repeat(40)]: 'v'.repeat(500) },
    { ['😀'.repeat(40)]: '😀'.repeat(500) },
    { a: 1, b: true, c: null, d: '' },
    { constructor: 'x', toString: 'y' },
  ])('accepts metadata within the limits of Stripe', (value) => {
    expect(metadataProblem(value)).toBeUndefined();
  });

  it.each<[unknown, RegExp]>([
    [[], /an object/],
    ['text', /an object/],
    [1, /an object/],
    [entries(49), /at most 48 entries/],
    [{ ...entries(49), user_id: 'x' }, /at most 48 entries/],
    [{ '': 'x' }, /names of 1 to 40/],
    [{ ['n'.repeat(41)]: 'x' }, /names of 1 to 40/],
    [{ 'a[b]': 'x' }, /square brackets/],
    [{ 'a\0': 'x' }, /names/],
    [{ a: 'v'.repeat(501) }, /at most 500/],
    [{ a: { b: 'x' } }, /values that are text/],
    [{ a: ['x'] }, /values that are text/],
    [{ a: '\ud800' }, /values that are text/],
    [{ a: 'x\0' }, /values that are text/],
  ])('refuses %j', (value, msg) => {
    expect(metadataProblem(value)?.msg).toMatch(msg);
  });
});
