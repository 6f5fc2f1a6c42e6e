import { type Command, Option } from 'commander';
import type { ServiceAccount } from '../../auth/caller.js';
import type { ProjectId } from '../../common/ids.js';
import { futureTimeProblem, networksProblem } from '../../auth/opaque-keys/opaque-key.dto.js';
import { readTime } from '../../common/typed-text.js';
import { nameCheck } from '../../http/validation/fields.js';
import { limitProblem, SERVICE_ACCOUNT_ROLES } from '../../projects/service-accounts/service-account.dto.js';
import { type Report, WrongUsage } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';
import { check, orFail, projectId, wholeNumber } from '../arguments.js';
import { keyReport, openServiceAccounts } from './accounts.js';

interface Options {
  operator?: true;
  project?: ProjectId;
  name: string;
  role: ServiceAccount['role'];
  expiresAt?: string;
  network?: string[];
  requestsPerMinute?: number;
}

export function addTo(accounts: Command, run: Runner): void {
  accounts
    .command('create')
    .description('Makes a service account, of the operator or of a project, and prints its key.')
    .option('--operator', 'with its role in every project, and for /api/v1/operator')
    .option('--project <id>', 'with its role in this project', projectId)
    .requiredOption('--name <name>', 'what to call it', (text: string) => {
      check('It', nameCheck(1, 255), text);
      return text;
    })
    .addOption(new Option('--role <role>', 'what it may do').choices(SERVICE_ACCOUNT_ROLES).default('admin'))
    .option('--expires-at <time>', 'when its key ends, as 2040-01-01T00:00:00Z; never without it', (text) => {
      check('It', futureTimeProblem, text);
      return text;
    })
    .option(
      '--network <network...>',
      'from where its key may be used: addresses and CIDR ranges; everywhere without it',
      (text: string, others: string[] = []) => {
        check('It', networksProblem, [...others, text]);
        return [...others, text];
      },
    )
    .option('--requests-per-minute <number>', 'a request limit of its own', wholeNumber(limitProblem))
    .action(run(create));
}

async function create(session: Session, options: Options): Promise<Report> {
  const { operator, project, name, role, expiresAt, network = [], requestsPerMinute = null } = options;
  if ((operator === undefined) === (project === undefined))
    throw new WrongUsage('Say whose it is: --operator, or --project with its id.');
  const account = {
    name,
    role,
    expiresAt: readTime(expiresAt) ?? null,
    networks: network,
    requestsPerMinute,
  };
  const accounts = await openServiceAccounts(session);
  const made = await orFail(accounts.create(project ?? null, account, OPERATOR));
  return keyReport(
    `Made a service account ${project ? `of project ${project}` : 'of the operator'} with the role ${role}.`,
    made,
  );
}
