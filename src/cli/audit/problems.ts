import { SYSTEM_CHAIN } from '../../audit/audit-event.js';
import type { ProjectId } from '../../common/ids.js';

export interface Problem {
  /** `system` for the chain that belongs to no project. */
  readonly chain: string;
  readonly problem: string;
}

export function problemsOf(projectId: ProjectId, problems: readonly string[]): Problem[] {
  const chain = projectId === SYSTEM_CHAIN ? 'system' : projectId;
  return problems.map((problem) => ({ chain, problem }));
}

export function linesOf(problems: readonly Problem[]): string[] {
  return problems.map(({ chain, problem }) => `  ${chain}: ${problem}`);
}
