import { readFileSync } from 'node:fs';
import { hasPermission, type Permission, PERMISSIONS, ROLES, rolesWith } from './permissions.js';

const ALL = Object.keys(PERMISSIONS) as Permission[];

it('roles include the permissions of lower roles', () => {
  expect(rolesWith('project:read')).toEqual(['viewer', 'admin', 'owner']);
  expect(rolesWith('project:write')).toEqual(['admin', 'owner']);
  expect(rolesWith('project:delete')).toEqual(['owner']);
  for (const permission of ALL) expect(hasPermission('owner', permission)).toBe(true);
  expect(hasPermission('viewer', 'config:write')).toBe(false);
  expect(hasPermission('admin', 'project:delete')).toBe(false);
});

it('docs/auth.md has this table', () => {
  const [, table = ''] =
    /\| permission .*\n\|[ -|]+\n((?:\|.*\n)+)/.exec(readFileSync('docs/auth.md', 'utf8')) ?? [];
  const documented = table.trimEnd().split('\n');
  const expected = ALL.map((permission) => [
    `\`${permission}\``,
    PERMISSIONS[permission].allows,
    ...ROLES.map((role) => (hasPermission(role, permission) ? '✓' : '')),
  ]);
  expect(
    documented.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ),
  ).toEqual(expected);
});
