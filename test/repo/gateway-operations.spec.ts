import { spawnSync } from 'node:child_process';

it('the table of the gateway has every operation and expandable field of the installed Stripe SDK', () => {
  const { status, stderr } = spawnSync('node', ['scripts/gateway-operations.mjs', '--check'], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
}, 120_000);
