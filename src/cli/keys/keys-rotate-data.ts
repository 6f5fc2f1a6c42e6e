import type { Command } from 'commander';
import type { KeyringNode } from '../../vault/keys/keyring-nodes.repository.js';
import { KeyNotHeld, type WaitLimits, type SealKeyRotation } from '../../vault/keys/seal-key-rotation.js';
import type { SealedRow } from '../../vault/seal/sealed-rows.repository.js';
import { linesOf, openVault, placesOf, sumOf, WAIT } from './vault-services.js';
import { CommandFailed, type Report } from '../output.js';
import type { Runner, Session } from '../session.js';

export function addTo(keys: Command, run: Runner): void {
  keys
    .command('rotate-data')
    .summary('make a new seal key and reseal everything under it')
    .description(
      'Publishes a new data key, makes it primary once every running process has it, and reseals all rows in short steps. An unfinished rotation is finished first, without a new key.',
    )
    .option(...WAIT)
    .action(run(rotateData));
}

async function rotateData(session: Session, { wait }: { wait: number }): Promise<Report> {
  const { keyring, rotation, sealedRows, recordResealing } = await openVault(session);
  const limits = { milliseconds: wait * 1_000, signal: session.signal };
  const superseded = async () =>
    (await rotation.list()).filter(({ state }) => state === 'superseded').map(({ id }) => id);
  const countLeft = async () => sumOf(await sealedRows.count(), await superseded());

  const isPublished = (await rotation.list()).some(({ state }) => state === 'published');
  const isResumed = isPublished || (await countLeft()) > 0;
  const silent = isPublished || !isResumed ? await introduceKey(rotation, limits) : [];
  const { primary } = await keyring.sync();
  await rotation.untilAllSealUnder(primary, limits);

  let left = await countLeft();
  const bar = session.progress('Resealing', left);
  let resealed = 0;
  let broken: SealedRow[] = [];
  // Repeats, because a process may still have sealed rows under a former key. Rows that don't open stay.
  while (left > 0) {
    broken = await sealedRows.reseal(await superseded(), {
      signal: session.signal,
      add: (count) => bar.add(count),
    });
    const now = await countLeft();
    resealed += left - now;
    if (now >= left) break;
    left = now;
  }
  const rowsUnderIt = sumOf(await sealedRows.count(), [primary]);
  if (resealed > 0 || left > 0)
    await recordResealing({ keyId: primary, rows: resealed, rowsUnderIt, unopened: left });
  const former = await superseded();
  return {
    text: [
      `Data key ${primary} is primary${isResumed ? ', by the rotation that was unfinished' : ''}. ${resealed} rows were resealed under it.`,
      ...silent.map(({ name }) => `Process ${name} did not answer and counts as ended.`),
      ...(left === 0
        ? former.map(
            (id) => `No row needs data key ${id} now: \`tillkeeper keys retire ${id}\` checks this again.`,
          )
        : []),
      ...(left > 0
        ? [`${left} rows stay under a former key, because they can not be unsealed:`, ...linesOf(broken)]
        : []),
    ].join('\n'),
    json: {
      data_key: primary,
      resumed: isResumed,
      resealed,
      former_data_keys: former,
      silent_processes: silent.map(({ name }) => name),
      left,
      places: placesOf(broken),
    },
    isBad: left > 0,
  };
}

async function introduceKey(rotation: SealKeyRotation, limits: WaitLimits): Promise<KeyringNode[]> {
  const id = await rotation.publish();
  try {
    return await rotation.makePrimary(id, limits);
  } catch (error) {
    if (!(error instanceof KeyNotHeld)) throw error;
    const names = error.nodes.map(({ name }) => name).join(', ');
    throw new CommandFailed(
      `Data key ${id} is published and not made primary, because these processes can't open it: ${names}. Give them the master key that wraps, then run it again.`,
    );
  }
}
