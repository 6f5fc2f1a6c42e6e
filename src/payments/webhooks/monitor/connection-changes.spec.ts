import type { ProjectId } from '../../../common/ids.js';
import { checked, type Decide, settled } from './connection-changes.js';
import type { ConnectionCheckRow, ConnectionFacts } from './connection-checks.statements.js';

const HOUR_MS = 3_600_000;
const START = new Date('2026-11-01T00:00:00.000Z');
const after = (hours: number) => new Date(START.getTime() + hours * HOUR_MS);
const ENDPOINT = 'we_1';

const rowOf = (fields: Partial<ConnectionCheckRow>): ConnectionCheckRow => ({
  projectId: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11' as ProjectId,
  mode: 'test',
  dueAt: START,
  checkedAt: START,
  endpointProblem: null,
  endpointProblemSince: null,
  silentSince: null,
  signatureFailures: 0,
  signatureFailuresSince: null,
  signatureFailedAt: null,
  signatureCause: null,
  signaturesFailingSince: null,
  secretUsedAt: null,
  formerSecretUsedAt: null,
  formerSecretUntil: null,
  warnedUntil: null,
  ...fields,
});
const factsOf = (facts: Partial<ConnectionFacts> = {}): ConnectionFacts => ({
  endpointId: ENDPOINT,
  lastDeliveredAt: after(2),
  hasSecretKey: true,
  secretWrittenAt: START,
  hasFormerSecret: false,
  ...facts,
});
const typesOf = ({ events = [] }: ReturnType<Decide>) => events.map(([type]) => type);

describe('endpoint.recovered', () => {
  const DISABLED = { endpointProblem: 'disabled', endpointProblemSince: START } as const;
  const SILENT = { silentSince: after(1) };
  const inOrder = checked({ id: ENDPOINT, problem: null }, after(3));

  it('is sent for an event that arrives after a silence', () => {
    const change = settled(after(3))(rowOf(SILENT), factsOf());
    expect(typesOf(change)).toEqual(['endpoint.recovered']);
    expect(change.row).toEqual({ silentSince: null });
  });

  it('is not sent at the end of a silence while the endpoint is disabled, but once it is in order', () => {
    const row = rowOf({ ...SILENT, ...DISABLED });
    const change = settled(after(3))(row, factsOf());
    expect(typesOf(change)).toEqual([]);
    expect(change.row).toEqual({ silentSince: null });
    expect(typesOf(inOrder({ ...row, ...change.row }, factsOf()))).toEqual(['endpoint.recovered']);
  });

  it('is not sent for an endpoint in order while it is silent, but once an event arrives', () => {
    const row = rowOf({ ...SILENT, ...DISABLED });
    const change = inOrder(row, factsOf({ lastDeliveredAt: START }));
    expect(typesOf(change)).toEqual([]);
    expect(change.row).toMatchObject({ endpointProblem: null, endpointProblemSince: null });
    expect(typesOf(settled(after(3))({ ...row, ...change.row }, factsOf()))).toEqual(['endpoint.recovered']);
  });

  it('is not sent once the credentials are destroyed, which ends every problem', () => {
    const row = rowOf({ ...SILENT, ...DISABLED });
    const change = settled(after(3))(row, factsOf({ hasSecretKey: false, secretWrittenAt: null }));
    expect(typesOf(change)).toEqual([]);
    expect(change.row).toEqual({ silentSince: null, endpointProblem: null, endpointProblemSince: null });
  });
});
