import { DomainError } from '../common/errors.js';
import { Gathered } from './gathered.js';

/** What was run together, and what ends it. */
interface Statement {
  calls: number[];
  answer: () => void;
  fail: (error: Error) => void;
}

let statements: Statement[];
let gathered: Gathered<number, string>;

beforeEach(() => {
  statements = [];
  gathered = new Gathered(
    (calls) =>
      new Promise((resolve, reject) => {
        statements.push({ calls, answer: () => resolve(calls.map((call) => `answer to ${call}`)), fail: reject });
      }),
  );
});

const ran = () => statements.map(({ calls }) => calls);
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('runs what comes alone at once, and together what comes while two statements are under way', async () => {
  const answers = [1, 2, 3, 4, 5].map((call) => gathered.run(call));
  expect(ran()).toEqual([[1], [2]]);

  statements[1]?.answer();
  await expect(answers[1]).resolves.toBe('answer to 2');
  await settled();
  expect(ran()).toEqual([[1], [2], [3, 4, 5]]);

  for (const { answer } of statements) answer();
  await expect(Promise.all(answers)).resolves.toEqual([1, 2, 3, 4, 5].map((call) => `answer to ${call}`));
});

it('runs at most 50 together', async () => {
  const answers = Array.from({ length: 54 }, (_, call) => gathered.run(call));
  for (const { answer } of statements) answer();
  await settled();
  expect(ran().map(({ length }) => length)).toEqual([1, 1, 50, 2]);
  for (const { answer } of statements) answer();
  await expect(Promise.all(answers)).resolves.toHaveLength(54);
});

it('tries each alone when they fail together, so that only the one at fault fails', async () => {
  const answers = [1, 2, 3, 4].map((call) => gathered.run(call));
  const outcomes = Promise.allSettled(answers);
  for (const { answer } of statements) answer();
  await settled();
  statements[2]?.fail(new Error('4 is wrong'));
  await settled();
  expect(ran()).toEqual([[1], [2], [3, 4], [3], [4]]);
  statements[3]?.answer();
  statements[4]?.fail(new Error('4 is wrong'));
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
});

it('tries nothing again when the database is out of reach', async () => {
  const outcomes = Promise.allSettled([1, 2, 3, 4].map((call) => gathered.run(call)));
  for (const { answer } of statements) answer();
  await settled();
  statements[2]?.fail(new DomainError('database_unavailable', 'The database is not available.'));
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(ran()).toEqual([[1], [2], [3, 4]]);
});
