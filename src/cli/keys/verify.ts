import type { Report } from '../output.js';
import type { Session } from '../session.js';
import { linesOf, placesOf } from './broken-rows.js';
import { sumOf, VAULT_IMPORTS, vaultServices } from './vault-services.js';

export async function verify(session: Session): Promise<Report> {
  const { sealedRows } = vaultServices(await session.servicesOfVault(VAULT_IMPORTS));
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
