import { readFileSync } from 'node:fs';
import { personActor, systemActor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';
import { historyMac } from '../vault/seal/cipher.js';
import { DataKey } from '../vault/keys/data-key.js';
import { entryAfter, vouchedFor } from './history-entry.js';
import { type HistoryEvent, NO_HEAD } from './history-entry.js';

/** The example of docs/audit.md, so that the page can't say anything else than the code does. */
const documented = new Map(
  [...readFileSync('docs/audit.md', 'utf8').matchAll(/^\| ([^|`]+?) +\| `([^`]+)` +\|$/gm)].map(
    ([, what, value]) => [what, value],
  ),
);
function vector(what: string): string {
  const value = documented.get(what);
  if (value === undefined) throw new Error(`docs/audit.md has no "${what}".`);
  return value;
}

const projectId = vector('project') as ProjectId;
const dataKey = new DataKey('examplekey04', 'audit', Buffer.from(vector('audit data key'), 'hex'));
const macOf = (parts: string[]) => historyMac(dataKey, projectId, parts);

const person = personActor('developer-1', {
  id: vector('request id'),
  ip: '192.0.2.7',
  headers: { 'user-agent': 'curl/8.5.0' },
});
const created: HistoryEvent = {
  action: 'project.created',
  actor: person,
  at: new Date('2026-11-21T09:30:00.000Z'),
  details: { fields: [{ field: 'name' }] },
};
const refused: HistoryEvent = {
  action: 'credentials.refused',
  actor: systemActor('stripe client'),
  at: new Date('2026-11-22T10:00:00.500Z'),
  details: { mode: 'live' },
  result: 'invalid',
};

it('has the MACs of the example in docs/audit.md', () => {
  const first = entryAfter(projectId, NO_HEAD, created);
  expect(first.details).toBe(vector('details of the first'));
  const mac = macOf(vouchedFor(first, ''));
  expect(mac).toBe(vector('MAC of the first'));
  const second = entryAfter(projectId, { seq: 1, mac }, refused);
  expect(second).toMatchObject({
    seq: 2,
    at: '2026-11-22T10:00:00.500Z',
    details: vector('details of the second'),
  });
  expect(macOf(vouchedFor(second, mac))).toBe(vector('MAC of the second'));
});

it('gives different texts for any two different entries', () => {
  const entry = entryAfter(projectId, NO_HEAD, created);
  const { actor } = entry;
  const others = [
    { ...entry, projectId: projectId.replace('6', '7') as ProjectId },
    { ...entry, seq: 11 },
    { ...entry, at: '2026-11-21T09:30:00.001Z' },
    ...(['subject', 'ip', 'userAgent', 'requestId'] as const).map((fact) => ({
      ...entry,
      actor: { ...actor, [fact]: 'x' },
    })),
    ...(['ip', 'userAgent', 'requestId'] as const).flatMap((fact) =>
      [null, ''].map((none) => ({ ...entry, actor: { ...actor, [fact]: none } })),
    ),
    { ...entry, actor: { ...actor, kind: 'module' as const } },
    { ...entry, action: 'project.updated' },
    { ...entry, result: 'valid' },
    { ...entry, details: '{}' },
  ].map((other) => macOf(vouchedFor(other, '')));
  const macs = [macOf(vouchedFor(entry, '')), macOf(vouchedFor(entry, 'x')), ...others];
  expect(new Set(macs).size).toBe(macs.length);
});
