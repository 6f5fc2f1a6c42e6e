import { readFile } from 'node:fs/promises';
import type { AuditHead } from '../../audit/audit-event.js';
import { parseProjectId, type ProjectId } from '../../common/ids.js';
import { CommandFailed } from '../command-failed.js';

const FORMAT = 'tillkeeper-audit-anchor/1';

interface AnchorFile {
  readonly format: string;
  /** RFC 3339, UTC. */
  readonly anchored_at: string;
  readonly heads: readonly { readonly project_id: string; readonly seq: number; readonly mac: string }[];
}

export function anchorFile(heads: readonly (AuditHead & { projectId: ProjectId })[], now: Date): AnchorFile {
  return {
    format: FORMAT,
    anchored_at: now.toISOString(),
    heads: heads.map(({ projectId, seq, mac }) => ({ project_id: projectId, seq, mac })),
  };
}

/** @throws CommandFailed when it is no such file */
export async function readAnchors(path: string): Promise<Map<ProjectId, AuditHead>> {
  try {
    const { format, heads } = JSON.parse(await readFile(path, 'utf8')) as AnchorFile;
    if (format !== FORMAT) throw new Error('This is another format.');
    return new Map(heads.map(({ project_id, seq, mac }) => [readProjectId(project_id), { seq, mac }]));
  } catch (error) {
    throw new CommandFailed(`${path} is not an anchor that \`tillkeeper audit anchor\` made, or can't be read.`, { cause: error });
  }
}

function readProjectId(text: string): ProjectId {
  const id = parseProjectId(text);
  if (!id) throw new Error('This is no project id.');
  return id;
}
