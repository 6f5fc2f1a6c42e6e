import type { Command } from 'commander';
import { inWords, openVault, sumOf } from './vault-services.js';
import { type Report, table } from '../output.js';
import type { Runner, Session } from '../session.js';

const DAY_MS = 86_400_000;
const NONE = '-';

export function addTo(keys: Command, run: Runner): void {
  keys
    .command('status')
    .summary('list the keys, their age, and the rows under them')
    .description(
      'Lists the data keys with state, age, master key and rows, and the running processes with the keys that they have. Needs no master key.',
    )
    .action(run(status));
}

async function status(session: Session): Promise<Report> {
  const { dataKeys, nodes, masterKeys, sealedRows } = await openVault(session, 'none');
  const counts = await sealedRows.count();
  const rows = (await dataKeys.list()).sort(
    (a, b) => a.purpose.localeCompare(b.purpose) || a.createdAt.getTime() - b.createdAt.getTime(),
  );
  const keys = rows.map(({ id, purpose, state, createdAt, masterKeyId }) => ({
    id,
    purpose,
    state,
    created_at: createdAt.toISOString(),
    age_days: Math.floor((Date.now() - createdAt.getTime()) / DAY_MS),
    master_key: masterKeyId,
    is_master_key_configured: masterKeys.ids.includes(masterKeyId),
    rows: sumOf(counts, [id]),
    rows_by_table: counts.get(id) ?? {},
  }));
  const processes = (await nodes.list()).map(({ name, primary, held, missing, answeredAt }) => {
    return { name, seals_under: primary, has: held, lacks: missing, answered_at: answeredAt.toISOString() };
  });
  return {
    text: [
      masterKeys.ids.length > 0
        ? `Master keys, the first wraps: ${masterKeys.ids.join(', ')}`
        : 'No master key is configured here.',
      '',
      table([
        ['DATA KEY', 'FOR', 'STATE', 'AGE', 'MASTER KEY', 'ROWS'],
        ...keys.map((key) => [
          key.id,
          key.purpose,
          key.state,
          `${key.age_days} d`,
          `${key.master_key}${key.is_master_key_configured || masterKeys.ids.length === 0 ? '' : ' (not configured)'}`,
          key.purpose === 'seal' ? inWords(counts.get(key.id)) : NONE,
        ]),
      ]),
      '',
      processes.length === 0
        ? 'No server runs.'
        : table([
            ['PROCESS', 'SEALS UNDER', 'LACKS', 'ANSWERED'],
            ...processes.map((each) => [
              each.name,
              each.seals_under,
              each.lacks.join(', ') || NONE,
              each.answered_at,
            ]),
          ]),
    ].join('\n'),
    json: { master_keys: masterKeys.ids, data_keys: keys, processes },
  };
}
