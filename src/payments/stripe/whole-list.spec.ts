import { readWholeList } from './whole-list.js';

const item = (nth: number) => ({ id: `item_${nth}` });
const idsOf = (items: { id: string }[]) => items.map(({ id }) => id);

it('reads every page, each after the last item of the previous page', async () => {
  const asked: unknown[] = [];
  const pages = [[item(1), item(2)], [item(3)], []];
  const items = await readWholeList((params) => {
    asked.push(params);
    const data = pages[asked.length - 1] ?? [];
    return Promise.resolve({ data, has_more: asked.length < 2 });
  });
  expect(idsOf(items)).toEqual(['item_1', 'item_2', 'item_3']);
  expect(asked).toEqual([{ limit: 100 }, { limit: 100, starting_after: 'item_2' }]);
});

it('keeps an item once that shifted to the next page', async () => {
  const pages = [
    { data: [item(1), item(2)], has_more: true },
    { data: [item(2), item(3)], has_more: false },
  ];
  const items = await readWholeList(() => Promise.resolve(pages.shift() ?? { data: [], has_more: false }));
  expect(idsOf(items)).toEqual(['item_1', 'item_2', 'item_3']);
});

it.each<[string, (page: number) => { data: unknown; has_more: boolean }]>([
  ['never ends', (page) => ({ data: [item(page)], has_more: true })],
  ['repeats itself', () => ({ data: [item(1)], has_more: true })],
  ['has more but no items', () => ({ data: [], has_more: true })],
  ['is not a list', () => ({ data: 'item_1', has_more: false })],
])('refuses a list that %s', async (_how, pageOf) => {
  let pages = 0;
  const read = readWholeList(() =>
    Promise.resolve(pageOf((pages += 1)) as { data: { id: string }[]; has_more: boolean }),
  );
  await expect(read).rejects.toMatchObject({ code: 'stripe_unavailable' });
  expect(pages).toBeLessThanOrEqual(100);
});

it('stops between two pages when it is aborted', async () => {
  const ended = new AbortController();
  const read = readWholeList(() => {
    ended.abort(new Error('too late'));
    return Promise.resolve({ data: [item(1)], has_more: true });
  }, ended.signal);
  await expect(read).rejects.toThrow('too late');
});
