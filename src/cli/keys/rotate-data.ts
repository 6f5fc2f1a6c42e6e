import type { KeyHolder } from '../../vault/keys/keyring-nodes.repository.js';
import { KeyNotHeld, type Patience, type SealKeyRotation } from '../../vault/keys/seal-key-rotation.js';
import type { SealedRow } from '../../vault/seal/sealed-rows.repository.js';
import { CommandFailed } from '../output.js';
import type { Report } from '../output.js';
import type { Session } from '../session.js';
import { linesOf, placesOf } from './broken-rows.js';
import { sumOf, VAULT_IMPORTS, vaultServices } from './vault-services.js';

export async function rotateData(session: Session, { wait }: { wait: number }): Promise<Report> {
  const { keyring, rotation, sealedRows, recordResealing } = vaultServices(
    await session.servicesOfVault(VAULT_IMPORTS),
  );
  const patience = { milliseconds: wait * 1_000, signal: session.signal };
  const superseded = async () =>
    (await rotation.list()).filter(({ state }) => state === 'superseded').map(({ id }) => id);
  const countLeft = async () => sumOf(await sealedRows.count(), await superseded());

  const isPublished = (await rotation.list()).some(({ state }) => state === 'published');
  const isResumed = isPublished || (await countLeft()) > 0;
  const silent = isPublished || !isResumed ? await introduceKey(rotation, patience) : [];
  const { primary } = await keyring.follow();
  await rotation.untilAllSealUnder(primary, patience);

  let left = await countLeft();
  const bar = session.progress('Sealing anew', left);
  let resealed = 0;
  let broken: SealedRow[] = [];
  // Again for what a process still wrote under a former key, until only what does not open is left.
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
      `Data key ${primary} is primary${isResumed ? ', by a rotation that had begun before' : ''}. ${resealed} rows are sealed anew under it.`,
      ...silent.map(({ name }) => `Process ${name} did not answer and is taken for ended.`),
      ...(left === 0
        ? former.map(
            (id) => `No row needs data key ${id} as of now: \`tillkeeper keys retire ${id}\` looks again.`,
          )
        : []),
      ...(left > 0
        ? [`${left} rows stay under a former key, because they do not open:`, ...linesOf(broken)]
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

async function introduceKey(rotation: SealKeyRotation, patience: Patience): Promise<KeyHolder[]> {
  const id = await rotation.publish();
  try {
    return await rotation.makePrimary(id, patience);
  } catch (error) {
    if (!(error instanceof KeyNotHeld)) throw error;
    const names = error.holders.map(({ name }) => name).join(', ');
    throw new CommandFailed(
      `Data key ${id} is published and not made primary, because these processes can't open it: ${names}. Give them the master key that wraps, then run it again.`,
    );
  }
}
