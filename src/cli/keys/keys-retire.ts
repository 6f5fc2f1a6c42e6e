import type { Command } from 'commander';
import { inWords, openVault, WAIT } from './vault-services.js';
import { CommandFailed, type Report } from '../output.js';
import type { Runner, Session } from '../session.js';

export function addTo(keys: Command, run: Runner): void {
  keys
    .command('retire')
    .summary('retire a former seal key, which then only unseals')
    .description(
      'Retires a superseded data key. The database refuses this while a row needs the key. Afterwards it refuses every new row under the key.',
    )
    .argument('<id>', 'the id of the data key')
    .option(...WAIT)
    .action(run(retire));
}

async function retire(session: Session, id: string, { wait }: { wait: number }): Promise<Report> {
  const { rotation, sealedRows } = await openVault(session);
  const keys = await rotation.list();
  const state = keys.find((key) => key.id === id)?.state;
  if (state === undefined)
    throw new CommandFailed(`There is no seal key ${id}: see \`tillkeeper keys status\`.`);
  if (state === 'retired') return reportOf(id, 'was retired before');
  if (state !== 'superseded') {
    throw new CommandFailed(
      `Data key ${id} is ${state}: only a superseded one can be retired. \`tillkeeper keys rotate-data\` makes another one primary.`,
    );
  }
  const primary = keys.find((key) => key.state === 'primary');
  if (primary)
    await rotation.untilAllSealUnder(primary.id, { milliseconds: wait * 1_000, signal: session.signal });
  if (await rotation.retire(id)) return reportOf(id, 'only opens from now on');
  const rows = inWords((await sealedRows.count()).get(id));
  throw new CommandFailed(
    `The database refuses to retire data key ${id}: rows are sealed under it (${rows}). Run \`tillkeeper keys rotate-data\` first.`,
  );
}

function reportOf(id: string, what: string): Report {
  return { text: `Data key ${id} ${what}.`, json: { data_key: id, state: 'retired' } };
}
