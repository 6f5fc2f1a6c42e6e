import { Body, Controller, Get, Put } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiSchema,
  ApiTags,
} from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { CurrentReader, type Reader } from '../../auth/caller.js';
import { DomainError } from '../../common/errors.js';
import type { OwnerId } from '../../common/ids.js';
import { ApiErrors, ApiNullableString } from '../../http/openapi/api-errors.js';
import { emailProblem, MAX_EMAIL_LENGTH, normalizeEmail } from '../../http/validation/email.js';
import { Checked, ForbidUnknownFields } from '../../http/validation/request.pipe.js';
import { CurrentProject, RequiresPermission } from '../permissions/project.guards.js';
import type { Project } from '../project.entity.js';
import { NotificationsRepository } from './notifications.repository.js';

@ForbidUnknownFields({ description: 'Whether and where you get mails. Absent fields stay.' })
class NotificationsUpdateRequest {
  @ApiProperty({
    description: 'Whether you get mails about problems of the project.',
    type: Boolean,
    required: false,
    example: true,
  })
  @Checked((value) =>
    value === undefined || typeof value === 'boolean'
      ? undefined
      : { type: 'bool_type', msg: 'must be true or false' },
  )
  enabled?: boolean;

  @ApiProperty({
    description: 'Where to send them; `null` for the address of your account or of your access token.',
    anyOf: [{ type: 'string', format: 'email', maxLength: MAX_EMAIL_LENGTH }, { type: 'null' }],
    required: false,
    example: 'oncall@example.com',
  })
  @IsOptional()
  @Checked(emailProblem)
  notify_email?: string | null;
}

@ApiSchema({ name: 'MemberNotifications', description: 'Whether and where you get mails about a project.' })
class NotificationsResponse {
  @ApiProperty({
    description: 'Whether you get mails about problems of the project. Only its owner and admins do.',
    type: Boolean,
    example: true,
  })
  enabled: boolean;

  @ApiNullableString({
    description: 'The address that you chose; `null` without one.',
    example: 'oncall@example.com',
  })
  notify_email: string | null;

  @ApiNullableString({
    description:
      'Where mails go: the address that you chose, that of your account, or the verified one of your access token. `null` if there is none.',
    example: 'oncall@example.com',
  })
  address: string | null;
}

@ApiTags('Projects')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('notifications:write')
@Controller('projects/:project_id/members/me/notifications')
export class NotificationsController {
  constructor(private readonly notifications: NotificationsRepository) {}

  @Get()
  @ApiOperation({
    operationId: 'getMyNotifications',
    summary: 'Show whether you get mails about a project',
    description:
      'Where the operator set up mail, the owner and the admins of a project hear of its problems.',
  })
  @ApiOkResponse({ description: 'Your choice.', type: NotificationsResponse })
  @ApiErrors({ project: true })
  async get(
    @CurrentProject() { id }: Project,
    @CurrentReader() reader: Reader,
  ): Promise<NotificationsResponse> {
    const { enabled, notifyEmail, address } = await this.notifications.find(id, personOf(reader));
    return { enabled, notify_email: notifyEmail, address };
  }

  @Put()
  @ApiOperation({
    operationId: 'updateMyNotifications',
    summary: 'Choose whether and where you get mails about a project',
    description: 'Changes the choice of the caller, for this project.',
  })
  @ApiOkResponse({ description: 'Your choice.', type: NotificationsResponse })
  @ApiErrors({ project: true, body: true })
  async update(
    @CurrentProject() project: Project,
    @CurrentReader() reader: Reader,
    @Body() { enabled, notify_email: email }: NotificationsUpdateRequest,
  ): Promise<NotificationsResponse> {
    await this.notifications.save(project.id, personOf(reader), {
      ...(enabled !== undefined && { enabled }),
      ...(email !== undefined && { notifyEmail: email === null ? null : (normalizeEmail(email) ?? null) }),
    });
    return this.get(project, reader);
  }
}

function personOf(reader: Reader): OwnerId {
  if (reader.kind === 'developer') return reader.sub;
  throw new DomainError('role_too_low', 'Service accounts get no mails; a person chooses this.');
}
