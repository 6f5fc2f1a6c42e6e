import type { Command } from 'commander';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { PaymentsModule } from '../../payments/payments.module.js';
import { MembersRepository } from '../../projects/members/members.repository.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { newSubjectProblem } from '../../projects/subject.js';
import { check, orFail, projectId } from '../arguments.js';
import type { Report } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';

export function addTo(projects: Command, run: Runner): void {
  projects
    .command('transfer')
    .description(
      'Gives a project to another owner, who need not be a member. The former owner becomes an admin.',
    )
    .argument('<id>', "the project's id", projectId)
    .argument('<subject>', "the new owner: the sub of that person's access tokens", (text) => {
      check('It', newSubjectProblem, text);
      return text as OwnerId;
    })
    .action(run(transfer));
}

async function transfer(session: Session, id: ProjectId, subject: OwnerId): Promise<Report> {
  const services = await session.open({ imports: [ProjectsModule, PaymentsModule], settings: 'server' });
  await orFail(services.get(MembersRepository).transfer({ projectId: id, subject, actor: OPERATOR }));
  return { text: `Project ${id} belongs to ${subject} now.`, json: { id, owner_id: subject } };
}
