import type { Command } from 'commander';
import { linesOf, openVault, placesOf, sumOf } from './vault-services.js';
import type { Report } from '../output.js';
import type { Runner, Session } from '../session.js';

export function addTo(keys: Command, run: Runner): void {
  keys
    .command('verify')
    .summary('unseal every value')
    .description(
      'Unseals every value. Reports values that can not be unsealed, and then exits with 1. Prints no secret and changes nothing.',
    )
    .action(run(verify));
}

async function verify(session: Session): Promise<Report> {
  const { sealedRows } = await openVault(session);
  const counts = await sealedRows.count();
  const bar = session.progress('Opening', sumOf(counts, counts.keys()));
  let rows = 0;
  const add = (count: number) => {
    rows += count;
    bar.add(count);
  };
  const broken = await sealedRows.check({ signal: session.signal, add });
  const unopened = broken.filter(({ altered }) => altered.length === 0).length;
  const result = broken.length === 0 ? 'all of them open.' : `this is wrong with ${broken.length} of them:`;
  return {
    text: [`${rows} sealed ${rows === 1 ? 'row' : 'rows'}: ${result}`, ...linesOf(broken)].join('\n'),
    json: { rows, opened: rows - unopened, broken: broken.length, places: placesOf(broken) },
    isBad: broken.length > 0,
  };
}
