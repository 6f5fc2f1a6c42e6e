import type { Command } from 'commander';
import { FEATURES } from '../../app.module.js';
import type { ProjectId } from '../../common/ids.js';
import { ProjectsService } from '../../projects/projects.service.js';
import { orFail, projectId } from '../arguments.js';
import type { Report } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';

export function addTo(projects: Command, run: Runner): void {
  projects
    .command('delete')
    .description(
      'Deletes a project: destroys its credentials, and removes the webhook endpoints that were made for it at Stripe. Its id can not be used again.',
    )
    .argument('<id>', "the project's id", projectId)
    .action(run(remove));
}

async function remove(session: Session, id: ProjectId): Promise<Report> {
  const services = await session.open({
    imports: FEATURES,
    settings: 'server',
  });
  await orFail(services.get(ProjectsService).delete(id, OPERATOR));
  return { text: `Deleted project ${id}.`, json: { id } };
}
