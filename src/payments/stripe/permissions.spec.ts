import { readFileSync } from 'node:fs';
import { neededPermissions, permissionName, PERMISSIONS_OF } from './permissions.js';

it('matches the guide on restricted keys', () => {
  const guide = readFileSync('docs/guide/checking-keys.md', 'utf8');
  const items = [...guide.matchAll(/^- \*\*([^*]+):\*\* ((?:[^\n]|\n(?= ))+)$/gm)];
  expect(items.map(([, part, names = '']) => [part, names.replace(/\s+/g, ' ').split(', ')])).toEqual(
    Object.entries(PERMISSIONS_OF).map(([part, permissions]) => [part, permissions.map(permissionName)]),
  );
});

it('requires no read permission where it requires write', () => {
  expect(neededPermissions()).toContain('Subscriptions (write)');
  expect(neededPermissions()).not.toContain('Subscriptions (read)');
  expect(neededPermissions()).toContain('Events (read)');
});
