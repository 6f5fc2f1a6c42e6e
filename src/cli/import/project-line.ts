import type { Problem } from '../../common/errors.js';
import { type OwnerId, parseProjectId, type ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { SYSTEM_CHAIN } from '../../history/history-entry.js';
import { nameCheck } from '../../http/validation/fields.js';
import { newSubjectProblem } from '../../projects/subject.js';
import {
  CREDENTIAL_RULES,
  credentialProblem,
  type CredentialPolicy,
  type CredentialRule,
  maskCredential,
} from '../../payments/stripe-config/credential-rules.js';
import type { ProvisionedProject } from '../../projects/project.repository.js';
import type { Columns, NumberedLine } from './import-lines.js';

export const IMPORT_COLUMNS = {
  required: ['project_id', 'owner_id', 'name'],
  optional: CREDENTIAL_RULES.map(({ field }) => field),
} satisfies Columns;

export interface ImportedCredential {
  readonly rule: CredentialRule;
  readonly value: Secret;
  readonly mask: string;
}

/** A valid line of an import. */
export interface ProjectLine {
  readonly line: number;
  readonly project: ProvisionedProject;
  readonly credentials: readonly ImportedCredential[];
}

/** Why a line was not imported. Has no value of the line but the project's id. */
export interface Refusal {
  readonly line: number;
  /** Absent if the line has no valid one. */
  readonly project_id?: ProjectId;
  readonly problems: readonly { readonly field?: string; readonly message: string }[];
}

export function isRefusal(line: ProjectLine | Refusal): line is Refusal {
  return 'problems' in line;
}

const nameProblem = nameCheck(1, 255);

/** Applies the rules of `PUT /operator/projects/{project_id}` and of `PUT …/config`. */
export function toProjectLine(content: NumberedLine, policy: CredentialPolicy): ProjectLine | Refusal {
  const { line } = content;
  if ('problem' in content) return { line, problems: [{ message: content.problem }] };
  const { project_id: givenId, owner_id: ownerId, name } = content.values;
  const id = typeof givenId === 'string' ? parseProjectId(givenId) : undefined;
  const credentials = CREDENTIAL_RULES.flatMap((rule) => {
    const given = content.values[rule.field];
    if (given === undefined || given === null) return [];
    const value = typeof given === 'string' ? given.trim() : given;
    const problem = credentialProblem(rule, value, policy);
    const text = typeof value === 'string' ? value : '';
    return [{ rule, problem, value: new Secret(text), mask: maskCredential(rule, text) }];
  });
  const found: [field: string, problem: Omit<Problem, 'loc'> | undefined][] = [
    ['project_id', idProblem(givenId, id)],
    ['owner_id', newSubjectProblem(ownerId)],
    ['name', nameProblem(name)],
    ...credentials.map(({ rule, problem }) => [rule.field, problem] as [string, typeof problem]),
  ];
  const problems = found.flatMap(([field, problem]) => (problem ? [{ field, message: problem.msg }] : []));
  if (!id || problems.length > 0) return { line, ...(id && { project_id: id }), problems };
  return {
    line,
    project: { id, ownerId: ownerId as OwnerId, name: String(name) },
    credentials,
  };
}

function idProblem(given: unknown, id: ProjectId | undefined): Omit<Problem, 'loc'> | undefined {
  if (given === undefined) return { type: 'missing', msg: 'is required' };
  if (!id) return { type: 'uuid_parsing', msg: 'must be a UUID' };
  return id === SYSTEM_CHAIN
    ? { type: 'value_error', msg: 'must be another UUID than the nil UUID' }
    : undefined;
}

export function refusalOf({ line, project }: ProjectLine, message: string, field?: string): Refusal {
  return { line, project_id: project.id, problems: [{ ...(field && { field }), message }] };
}
