import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import type { OwnerId } from '../../common/ids.js';
import type { RowOf } from '../../database/columns.js';
import { ApiNullableString, ApiTime, ApiUuid } from '../../http/openapi/api-errors.js';
import { QueryNumber, TextField, textCheck } from '../../http/validation/fields.js';
import { type Check, Checked, ForbidUnknownFields } from '../../http/validation/request.pipe.js';
import {
  bitOf,
  PROJECT_HEALTHS,
  PROJECT_PROBLEMS,
  type ProjectEntity,
  type ProjectHealth,
  type ProjectProblem,
} from '../project.entity.js';
import { newSubjectProblem, subjectProblem } from '../subject.js';

export const HEALTH_FILTERS = [...PROJECT_HEALTHS, ...PROJECT_PROBLEMS] as const;
const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 50;
const MAX_SEARCH_LENGTH = 255;
const MAX_CURSOR_LENGTH = 4_096;

/** The `sub` of a developer's access tokens. */
function Subject(description: string, example = 'developer-1'): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, type: 'string', minLength: 1, maxLength: 255, example }),
    Checked(newSubjectProblem),
  );
}

/** A filter of a query, which may be absent. */
function Filter(
  { description, ...rule }: { description: string; enum?: string[]; minLength?: number; maxLength?: number },
  check: Check,
): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description,
      required: false,
      anyOf: [{ type: 'string', ...rule }, { type: 'null' }],
    }),
    IsOptional(),
    Checked(check),
  );
}

export class OperatorProjectsQuery {
  @Filter(
    {
      description: `Only those whose Stripe keys are ${PROJECT_HEALTHS.join(', ')}, or those with the problem ${PROJECT_PROBLEMS.join(', ')}.`,
      enum: [...HEALTH_FILTERS],
    },
    (value) =>
      HEALTH_FILTERS.some((health) => health === value)
        ? undefined
        : { type: 'enum', msg: `must be one of ${HEALTH_FILTERS.join(', ')}` },
  )
  health?: (typeof HEALTH_FILTERS)[number];

  @Filter({ description: 'Lists only projects of this owner.', minLength: 1, maxLength: 255 }, subjectProblem)
  owner_id?: OwnerId;

  @Filter(
    {
      description:
        'Only the project with this id, or those whose name begins with this text in upper or lower case; the list is then in the order of names.',
      maxLength: MAX_SEARCH_LENGTH,
    },
    textCheck(0, MAX_SEARCH_LENGTH),
  )
  q?: string;

  @QueryNumber({
    description: 'Maximum number of projects.',
    minimum: 1,
    maximum: MAX_LIMIT,
    default: DEFAULT_LIMIT,
  })
  limit = DEFAULT_LIMIT;

  @Filter(
    { description: 'The `next_cursor` of the page before.', minLength: 1, maxLength: MAX_CURSOR_LENGTH },
    textCheck(1, MAX_CURSOR_LENGTH),
  )
  cursor?: string;
}

@ForbidUnknownFields({ description: 'To whom the project goes.' })
export class OperatorTransferRequest {
  @Subject('The new owner: the `sub` of their access tokens. They need not be a member.', 'developer-2')
  subject: OwnerId;
}

@ForbidUnknownFields({ description: 'Owner and name of a project.' })
export class ProjectProvisionRequest {
  @Subject('The owner: the `sub` of their access tokens.')
  owner_id: OwnerId;

  @TextField({ description: 'Name for people.', example: 'Corner shop', minLength: 1, maxLength: 255 })
  name: string;
}

@ApiSchema({ description: 'A project, as operators see it.' })
export class OperatorProjectResponse {
  @ApiUuid("The project's id.")
  id: string;

  @ApiProperty({ description: 'The owner.', type: String, example: 'developer-1' })
  owner_id: string;

  @ApiProperty({ description: 'Name for people.', type: String, example: 'Corner shop' })
  name: string;

  @ApiNullableString({
    description: 'A few words about the project.',
    example: 'Sells bread by subscription',
  })
  description: string | null;

  @ApiProperty({
    description:
      '`unconfigured`: no secret key is stored. `unverified`: Stripe was not asked about a stored one yet. `unhealthy`: Stripe refused one. `healthy`: Stripe accepted all.',
    enum: PROJECT_HEALTHS,
    example: 'healthy',
  })
  health: ProjectHealth;

  @ApiProperty({
    description:
      'What monitoring found wrong in either mode. `endpoint_disabled`: the webhook endpoint made here brings no events, or not all. `endpoint_silent`: Stripe has events that never arrived. `signatures_failing`: deliveries are refused for their signature. `credentials_expiring`: a former webhook secret is still in use, and ends within a day.',
    type: 'array',
    items: { type: 'string', enum: [...PROJECT_PROBLEMS] },
    example: ['endpoint_disabled'],
  })
  problems: ProjectProblem[];

  @ApiProperty({
    description: 'Whether an operator has paused the gateway for the project.',
    type: Boolean,
    example: false,
  })
  gateway_paused: boolean;

  @ApiTime('Time of creation.')
  created_at: string;

  @ApiTime('Time of the last change of name or description.')
  updated_at: string;
}

@ApiSchema({ description: 'One page of projects.' })
export class OperatorProjectsResponse {
  @ApiProperty({ description: 'The projects.', type: [OperatorProjectResponse] })
  projects: OperatorProjectResponse[];

  @ApiNullableString({
    description: 'For the next page; `null` on the last one.',
    example: 'WyJ0IiwiMjAyNi0xMS0yMFQwODoyMDowMC4wMDBaIl0',
  })
  next_cursor: string | null;
}

export function toOperatorProject(project: RowOf<ProjectEntity>): OperatorProjectResponse {
  const { id, ownerId, name, description, health, problems, gatewayPaused, createdAt, updatedAt } = project;
  return {
    id,
    owner_id: ownerId,
    name,
    description,
    health,
    problems: PROJECT_PROBLEMS.filter((each) => Math.floor((problems ?? 0) / bitOf(each)) % 2 === 1),
    gateway_paused: gatewayPaused,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}
