import { Injectable } from '@nestjs/common';
import { v5 as uuidV5 } from 'uuid';
import type { ProjectId } from '../../common/ids.js';
import { columnValues } from '../../database/columns.js';
import { Database, exec, query, type Steps } from '../../database/database.js';
import {
  bitOf,
  PROJECT_HEALTHS,
  PROJECT_PROBLEMS,
  type ProjectHealth,
  type ProjectProblem,
} from '../../projects/project.entity.js';
import { AlertMailEntity } from './alert-mail.entity.js';
import * as statements from './alert-mails.statements.js';
import type { AlertMail } from './alert-mails.statements.js';
import { type AlertData, type AlertType, OPPOSITES, problemOf } from './alert-texts.js';

const DAY_MS = 86_400_000;
const LEASE_MS = 5 * 60_000;
const KEPT_MS = 7 * DAY_MS;
const NAMESPACE = '6c8a4b5e-2f19-4d37-9b60-1e5d8c7f3a42';

export interface Counts {
  readonly healths: Readonly<Record<ProjectHealth, number>>;
  readonly problems: Readonly<Record<ProjectProblem, number>>;
  readonly disabledDestinations: number;
}

/** Stores mails until they are sent. */
@Injectable()
export class AlertMailsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Adds a mail to each owner and admin. After a mail of this type about the same mode or destination within a day it
   * waits until the day is over, and is withdrawn if the problem ends, or comes back, meanwhile. The same event adds
   * nothing twice.
   * @param projectId `null` for a problem of the operator, whose mail goes to operators
   */
  async add(type: AlertType, projectId: ProjectId | null, data: AlertData, eventId: string): Promise<void> {
    const { database } = this;
    const now = new Date();
    const problem = problemOf(data);
    await database.transaction(function* () {
      yield* database.lock('add alert mails');
      const dayAgo = new Date(now.getTime() - DAY_MS);
      const { toOperators, ofProject } = statements.FIND_RECENT;
      const recent =
        projectId === null
          ? yield* query(toOperators, [type, problem, dayAgo])
          : yield* query(ofProject, [type, problem, dayAgo, projectId]);
      const last = recent[0]?.createdAt;
      // Such a mail waits already.
      if (last && last > now) return;
      if (projectId !== null && (yield* withdraw(projectId, OPPOSITES[type] ?? [], problem, now))) return;
      const at = last ? new Date(last.getTime() + DAY_MS) : now;
      const recipients =
        projectId === null ? [{ subject: null }] : yield* query(statements.FIND_RECIPIENTS, [projectId]);
      for (const { subject } of recipients) {
        const mail = {
          id: uuidV5(`${eventId} ${subject}`, NAMESPACE),
          projectId,
          subject,
          type,
          problem,
          data: JSON.stringify(data),
          createdAt: at,
          dueAt: at,
          attempts: 0,
        };
        yield* exec(statements.ADD, columnValues(AlertMailEntity, mail));
      }
    });
  }

  /** Adds the daily mail of this day, once. */
  async addDigest(now: Date): Promise<void> {
    const id = uuidV5(`digest ${now.toISOString().slice(0, 10)}`, NAMESPACE);
    const nobody = { projectId: null, subject: null };
    const mail = {
      id,
      ...nobody,
      type: 'digest' as const,
      problem: null,
      data: '{}',
      createdAt: now,
      dueAt: now,
      attempts: 0,
    };
    await this.database.write(statements.ADD, columnValues(AlertMailEntity, mail));
  }

  /** Leases mails that are due. If they are not finished, they are due again after the lease. */
  lease(now: Date, limit: number): Promise<AlertMail[]> {
    return this.database.write(statements.LEASE, [now, new Date(now.getTime() + LEASE_MS), limit]);
  }

  /** @param again when to try again; `null` if it was sent or is given up */
  async finish({ id }: AlertMail, again: Date | null): Promise<void> {
    await this.database.write(statements.FINISH, [id, again]);
  }

  /** @returns `undefined` if it was enabled or deleted */
  async disabledDestination(id: string) {
    const [row] = await this.database.query(statements.FIND_DISABLED, [id]);
    return row;
  }

  async forget(now: Date): Promise<void> {
    await this.database.write(statements.FORGET, [new Date(now.getTime() - KEPT_MS)]);
  }

  async count(): Promise<Counts> {
    const healths = await this.database.query(statements.COUNT_HEALTHS, []);
    const problems = await this.database.query(statements.COUNT_PROBLEMS, []);
    const [disabled] = await this.database.query(statements.COUNT_DISABLED, []);
    const withProblem = (problem: ProjectProblem) =>
      problems
        .filter((row) => Math.floor(row.problems / bitOf(problem)) % 2 === 1)
        .reduce((sum, { count }) => sum + count, 0);
    return {
      healths: counted(PROJECT_HEALTHS, (each) => healths.find(({ health }) => health === each)?.count ?? 0),
      problems: counted(PROJECT_PROBLEMS, withProblem),
      disabledDestinations: disabled?.count ?? 0,
    };
  }
}

/** Withdraws waiting mails about a problem that are not true any more. @returns whether there was one */
function* withdraw(
  projectId: ProjectId,
  types: readonly AlertType[],
  problem: string | null,
  now: Date,
): Steps<boolean> {
  let count = 0;
  for (const type of types)
    count += (yield* query(statements.WITHDRAW_POSTPONED, [projectId, type, problem, now])).length;
  return count > 0;
}

function counted<Name extends string>(names: readonly Name[], count: (name: Name) => number) {
  return Object.fromEntries(names.map((name) => [name, count(name)])) as Record<Name, number>;
}
