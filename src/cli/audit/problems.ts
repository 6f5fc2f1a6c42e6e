import { SYSTEM_CHAIN } from '../../audit/audit-event.js';
import type { ProjectId } from '../../common/ids.js';

export interface Problem {
  /** `system` for the chain that belongs to no project. */
  readonly chain: string;
  readonly problem: string;
}

export function problemsOf(projectId: ProjectId, problems: readonly string[]): Problem[] {
  return problems.map((problem) => ({ chain: nameOf(projectId), problem }));
}

export function isNamed(projectId: ProjectId, problems: readonly Problem[]): boolean {
  return problems.some(({ chain }) => chain === nameOf(projectId));
}

function nameOf(projectId: ProjectId): string {
  return projectId === SYSTEM_CHAIN ? 'system' : String(projectId);
}

export function linesOf(problems: readonly Problem[]): string[] {
  return problems.map(({ chain, problem }) => `  ${chain}: ${problem}`);
}
