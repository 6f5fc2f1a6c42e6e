import type { AuditHead } from '../../audit/audit-event.js';
import { AuditModule } from '../../audit/audit.module.js';
import { AuditRepository } from '../../audit/audit.repository.js';
import { AuditVerifier } from '../../audit/audit-verifier.js';
import type { ProjectId } from '../../common/ids.js';
import { ProjectRepository } from '../../projects/project.repository.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import type { Report } from '../reporting.js';
import type { Session } from '../session.js';
import { readAnchors } from './anchor-file.js';
import { linesOf, type Problem, problemsOf } from './problems.js';

export async function verify(session: Session, { anchor }: { anchor?: string }): Promise<Report> {
  const anchors = anchor === undefined ? new Map<ProjectId, AuditHead>() : await readAnchors(anchor);
  const services = await session.services([AuditModule, ProjectsModule]);
  const verifier = services.get(AuditVerifier);
  const chains = new Set([...(await services.get(AuditRepository).listChains()), ...anchors.keys()]);
  const bar = session.progress('Checking', chains.size);
  let entries = 0;
  const problems: Problem[] = [];
  for (const id of chains) {
    session.signal.throwIfAborted();
    const report = await verifier.verify(id, anchors.get(id));
    entries += report.entries;
    problems.push(...problemsOf(id, report.problems));
    bar.add(1);
  }
  for (const id of await services.get(ProjectRepository).listWithoutHistory()) {
    if (!anchors.has(id)) problems.push(...problemsOf(id, ['there is no history of it']));
  }
  const result = problems.length === 0 ? 'nothing is wrong with them.' : 'this is wrong with them:';
  return {
    text: [`${entries} entries in ${chains.size} chains: ${result}`, ...linesOf(problems)].join('\n'),
    json: { chains: chains.size, entries, anchored: anchors.size, problems },
    isBad: problems.length > 0,
  };
}
