import type { ProjectId } from '../../common/ids.js';
import { toConfig } from './config-row.js';
import type { ConfigWithCredentialsRow, CredentialValues } from './stripe-config.statements.js';

const config = {
  id: '11111111-2222-4333-8444-555555555555',
  project_id: '22222222-2222-4333-8444-555555555555' as ProjectId,
  version: 3,
};
const credentials = (yes: boolean | number): CredentialValues[] => [
  [
    'live',
    'secret_key',
    'sk_live_...aBcD',
    'fingerprint',
    'account',
    'account before',
    yes,
    '2026-11-21 09:30:00.123',
    yes,
  ],
];
const onPostgres: ConfigWithCredentialsRow = {
  ...config,
  is_active: true,
  created_at: new Date('2026-11-20T08:00:00.001Z'),
  updated_at: new Date('2026-11-21T09:30:00.123Z'),
  credentials: credentials(true),
};
const onSqlite: ConfigWithCredentialsRow = {
  ...config,
  is_active: 1,
  created_at: '2026-11-20 08:00:00.001',
  updated_at: '2026-11-21 09:30:00.123',
  credentials: JSON.stringify(credentials(1)),
};

describe('a row of a configuration', () => {
  it.each([
    ['PostgreSQL', onPostgres],
    ['SQLite', onSqlite],
  ])('of %s reads the same', (_, row) => {
    expect(toConfig(row)).toEqual({
      id: config.id,
      projectId: config.project_id,
      isActive: true,
      version: 3,
      createdAt: '2026-11-20T08:00:00.001Z',
      updatedAt: '2026-11-21T09:30:00.123Z',
      credentials: [
        {
          mode: 'live',
          kind: 'secret_key',
          mask: 'sk_live_...aBcD',
          fingerprint: 'fingerprint',
          accountFingerprint: 'account',
          replacedAccountFingerprint: 'account before',
          looksCutOff: true,
          writtenAt: '2026-11-21T09:30:00.123Z',
          sharesAccount: true,
        },
      ],
    });
  });

  it('has no credentials where the database found none', () => {
    expect(toConfig({ ...onPostgres, credentials: null }).credentials).toEqual([]);
    expect(toConfig({ ...onSqlite, credentials: '[]' }).credentials).toEqual([]);
  });

  it('knows no from yes in the numbers that SQLite has for them', () => {
    const { isActive, credentials: list } = toConfig({
      ...onSqlite,
      is_active: 0,
      credentials: JSON.stringify(credentials(0)),
    });
    expect([isActive, list[0]?.looksCutOff, list[0]?.sharesAccount]).toEqual([false, false, false]);
  });
});
