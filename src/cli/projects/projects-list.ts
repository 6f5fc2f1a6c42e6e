import { type Command, Option } from 'commander';
import { ValidationFailed } from '../../common/errors.js';
import type { OwnerId } from '../../common/ids.js';
import { textCheck, wholeNumberCheck } from '../../http/validation/fields.js';
import {
  HEALTH_FILTERS,
  OperatorProjectsQuery,
  toOperatorProject,
} from '../../projects/operator/operator-project.dto.js';
import { OperatorModule } from '../../projects/operator/operator.module.js';
import { OperatorProjectsRepository } from '../../projects/operator/operator-projects.repository.js';
import { subjectProblem } from '../../projects/subject.js';
import { check, wholeNumber } from '../arguments.js';
import { CommandFailed, type Report, table } from '../output.js';
import type { Runner, Session } from '../session.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;
const MAX_SEARCH_LENGTH = 255;

interface Options {
  health?: (typeof HEALTH_FILTERS)[number];
  owner?: OwnerId;
  search?: string;
  limit: number;
  cursor?: string;
}

export function addTo(projects: Command, run: Runner): void {
  projects
    .command('list')
    .description('Lists projects of all owners, newest first, or by name with --search.')
    .addOption(
      new Option('--health <health>', 'those whose Stripe keys are, or that have the problem').choices(
        HEALTH_FILTERS,
      ),
    )
    .option('--owner <subject>', 'those of this owner', (text) => {
      check('It', subjectProblem, text);
      return text;
    })
    .option('--search <text>', 'the one with this id, or those whose name begins with this', (text) => {
      check('It', textCheck(1, MAX_SEARCH_LENGTH), text);
      return text;
    })
    .option(
      '--limit <number>',
      'how many at most',
      wholeNumber(wholeNumberCheck(1, MAX_LIMIT)),
      DEFAULT_LIMIT,
    )
    .option('--cursor <cursor>', 'go on after the page that ended with this')
    .action(run(list));
}

async function list(session: Session, { health, owner, search, limit, cursor }: Options): Promise<Report> {
  const services = await session.open({ imports: [OperatorModule], settings: 'server' });
  const query = Object.assign(
    new OperatorProjectsQuery(),
    { limit },
    { health, owner_id: owner, q: search, cursor },
  );
  const page = services.get(OperatorProjectsRepository).list(query);
  const { projects, nextCursor } = await page.catch((error: unknown) => {
    throw error instanceof ValidationFailed
      ? new CommandFailed('--cursor is of another list: use the options of the page before.')
      : error;
  });
  const rows = projects.map((project) => [
    project.id,
    [project.health, ...toOperatorProject(project).problems].join(' '),
    project.createdAt.toISOString(),
    project.ownerId,
    project.name,
  ]);
  const lines =
    rows.length === 0
      ? ['There are none.']
      : [table([['ID', 'HEALTH', 'CREATED', 'OWNER', 'NAME'], ...rows])];
  if (nextCursor !== null) lines.push(`There are more: --cursor ${nextCursor}`);
  return {
    text: lines.join('\n'),
    json: { projects: projects.map(toOperatorProject), next_cursor: nextCursor },
  };
}
