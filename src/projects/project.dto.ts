import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { TextField } from '../http/validation/fields.js';
import { ApiNullableString, ApiNullableTime, ApiTime, ApiUuid } from '../http/openapi/api-errors.js';
import { type Role, ROLES } from './permissions/permissions.js';
import type { ProjectWithRole } from './project.entity.js';

@ApiSchema({ description: 'A new project.' })
export class ProjectCreateRequest {
  @TextField({ description: 'Name for people.', example: 'Corner shop', minLength: 1, maxLength: 255 })
  name: string;

  @TextField({
    description: 'A few words about the project.',
    example: 'Sells bread by subscription',
    maxLength: 1000,
    optional: true,
    multiline: true,
  })
  description?: string | null;
}

@ApiSchema({
  description:
    'What to change. A field that is absent or `null` keeps its value; an empty description clears it.',
})
export class ProjectUpdateRequest {
  @TextField({
    description: 'Name for people.',
    example: 'Corner shop',
    minLength: 1,
    maxLength: 255,
    optional: true,
  })
  name?: string | null;

  @TextField({
    description: 'A few words about the project.',
    example: 'Sells bread by subscription',
    maxLength: 1000,
    optional: true,
    multiline: true,
  })
  description?: string | null;
}

@ApiSchema({ description: 'The new project.' })
export class ProjectCreatedResponse {
  @ApiUuid("The project's id.")
  id: string;
}

@ApiSchema({ description: 'A project.' })
export class ProjectResponse {
  @ApiUuid("The project's id.")
  id: string;

  @ApiProperty({ description: 'Name for people.', type: String, example: 'Corner shop' })
  name: string;

  @ApiNullableString({
    description: 'A few words about the project.',
    example: 'Sells bread by subscription',
  })
  description: string | null;

  @ApiProperty({
    description: 'Always `true`: a deleted project is not shown.',
    type: Boolean,
    example: true,
  })
  is_active: boolean;

  @ApiProperty({ description: 'Your role in it.', enum: ROLES, example: 'owner' })
  role: Role;

  @ApiTime('Time of creation.')
  created_at: string;

  @ApiNullableTime('Time of the last change of name or description.')
  updated_at: string | null;
}

export function toProjectResponse(project: ProjectWithRole): ProjectResponse {
  const { id, name, description, role, createdAt, updatedAt } = project;
  return { id, name, description, is_active: true, role, created_at: createdAt, updated_at: updatedAt };
}
