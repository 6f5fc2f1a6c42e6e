import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { parseProjectId, type ProjectId } from '../../common/ids.js';
import type { HistoryHead } from '../../history/history-entry.js';
import { HistoryModule } from '../../history/history.module.js';
import { HistoryRepository } from '../../history/history.repository.js';
import { CommandFailed, type Report } from '../output.js';
import type { Runner, Session } from '../session.js';

const FORMAT = 'tillkeeper-audit-anchor/1';

interface AnchorFile {
  readonly format: string;
  /** RFC 3339, UTC. */
  readonly anchored_at: string;
  readonly heads: readonly { readonly project_id: string; readonly seq: number; readonly mac: string }[];
}

function anchorFile(heads: readonly (HistoryHead & { projectId: ProjectId })[], now: Date): AnchorFile {
  return {
    format: FORMAT,
    anchored_at: now.toISOString(),
    heads: heads.map(({ projectId, seq, mac }) => ({ project_id: projectId, seq, mac })),
  };
}

/** @throws CommandFailed if the file is not an anchor */
export async function readAnchors(path: string): Promise<Map<ProjectId, HistoryHead>> {
  try {
    const { format, heads } = JSON.parse(await readFile(path, 'utf8')) as AnchorFile;
    if (format !== FORMAT) throw new Error('This is another format.');
    return new Map(heads.map(({ project_id, seq, mac }) => [readProjectId(project_id), { seq, mac }]));
  } catch (error) {
    throw new CommandFailed(
      `${path} is not an anchor that \`tillkeeper audit anchor\` made, or can't be read.`,
      { cause: error },
    );
  }
}

function readProjectId(text: string): ProjectId {
  const id = parseProjectId(text);
  if (!id) throw new Error('This is no project id.');
  return id;
}

export function addTo(audit: Command, run: Runner): void {
  audit
    .command('anchor')
    .summary('print the end of every chain, to store elsewhere')
    .description(
      'Prints the end of every chain as JSON. An attacker with write access to the database can cut off the end of a chain unnoticed, but not entries that an anchor names. Store the anchor out of reach.',
    )
    .action(run(anchor));
}

async function anchor(session: Session): Promise<Report> {
  const services = await session.open({ imports: [HistoryModule], keys: 'none' });
  const json = anchorFile(await services.get(HistoryRepository).listHeads(), new Date());
  return { text: JSON.stringify(json, null, 2), json };
}
