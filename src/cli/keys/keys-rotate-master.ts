import type { Command } from 'commander';
import { rotateMasterKey } from '../../vault/keys/master-key-rotation.js';
import { openVault } from './vault-services.js';
import type { Report } from '../output.js';
import type { Runner, Session } from '../session.js';

export function addTo(keys: Command, run: Runner): void {
  keys
    .command('rotate-master')
    .summary('rewrap the data keys with the first configured master key')
    .description(
      'Rewraps every data key with the first configured master key. Configure the former master keys after it. Servers keep running.',
    )
    .action(run(rotateMaster));
}

async function rotateMaster(session: Session): Promise<Report> {
  const { dataKeys, masterKeys, recordRewrapping } = await openVault(session);
  const wrapped = await rotateMasterKey(dataKeys, masterKeys, recordRewrapping);
  const [primary] = masterKeys.ids;
  const left = (await dataKeys.list()).filter(({ masterKeyId }) => masterKeyId !== primary);
  const former = [...new Set(wrapped.map(({ from }) => from))].filter((id) => id !== primary);
  const next =
    former.length > 0 && left.length === 0
      ? `No data key needs ${former.join(', ')} any more: take it out of the settings.`
      : '';
  return {
    text: [
      `${wrapped.length} data keys are wrapped by master key ${primary}. ${next}`.trim(),
      ...(left.length > 0 ? ['Others came in between: run it again.'] : []),
    ].join('\n'),
    json: {
      master_key: primary,
      data_keys: wrapped.map(({ id, from }) => ({ id, wrapped_before_by: from })),
      left: left.length,
    },
    isBad: left.length > 0,
  };
}
