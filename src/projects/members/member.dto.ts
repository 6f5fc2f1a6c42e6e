import { Injectable, type PipeTransform } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ValidationFailed } from '../../common/errors.js';
import type { OwnerId } from '../../common/ids.js';
import { ApiNullableTime, ApiTime, ApiUuid } from '../../http/openapi/api-errors.js';
import { MAX_EMAIL_LENGTH, newEmailProblem } from '../../http/validation/email.js';
import { textCheck } from '../../http/validation/fields.js';
import { type Check, Checked, ForbidUnknownFields } from '../../http/validation/request.pipe.js';
import { GIVEN_ROLES, type GivenRole, type Role, ROLES } from '../permissions/permissions.js';
import { newSubjectProblem, subjectProblem } from '../subject.js';
import type { Invitation } from './invitations.repository.js';
import type { NewInvitation } from './invitations.service.js';
import type { Member } from './members.repository.js';

const SUBJECT_SCHEMA = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  example: '8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38',
} as const;
const EMAIL = {
  type: 'string',
  format: 'email',
  maxLength: MAX_EMAIL_LENGTH,
  example: 'ada@example.com',
} as const;

const roleProblem: Check = (value) => {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  return GIVEN_ROLES.some((role) => role === value)
    ? undefined
    : { type: 'enum', msg: `must be one of ${GIVEN_ROLES.join(', ')}; a transfer makes an owner` };
};

const isGiven = (value: unknown) => value !== undefined && value !== null;

/** One of subject and email says who it is. */
const invitedSubjectProblem: Check = (subject, settings, { email }: Partial<MemberCreateRequest>) => {
  if (isGiven(subject)) return newSubjectProblem(subject);
  return !isGiven(email)
    ? { type: 'missing', msg: settings.authBuiltin ? 'is required, or email' : 'is required' }
    : undefined;
};

const invitedEmailProblem: Check = (email, settings, { subject }: Partial<MemberCreateRequest>) => {
  if (!isGiven(email)) return undefined;
  if (!settings.authBuiltin)
    return {
      type: 'value_error',
      msg: 'works with built-in accounts only (AUTH_BUILTIN); send subject instead',
    };
  if (isGiven(subject)) return { type: 'value_error', msg: 'must not be sent together with subject' };
  return newEmailProblem(email);
};

@ForbidUnknownFields({ description: 'A new member: `subject`, or `email` for an invitation.' })
export class MemberCreateRequest {
  @ApiProperty({
    description: 'The `sub` of the person’s access tokens. With built-in accounts, `id` of `/auth/me`.',
    ...SUBJECT_SCHEMA,
    required: false,
  })
  @Checked(invitedSubjectProblem)
  subject?: OwnerId | null;

  @ApiProperty({
    description:
      'An address to invite, with built-in accounts. The token alone decides who joins: nobody proves an address here.',
    ...EMAIL,
    required: false,
  })
  @Checked(invitedEmailProblem)
  email?: string | null;

  @ApiProperty({ description: 'The role of the person.', enum: GIVEN_ROLES, example: 'admin' })
  @Checked(roleProblem)
  role: GivenRole;
}

@ForbidUnknownFields({ description: 'A new role for a member.' })
export class MemberUpdateRequest {
  @ApiProperty({ description: 'The new role of the member.', enum: GIVEN_ROLES, example: 'viewer' })
  @Checked(roleProblem)
  role: GivenRole;
}

@ForbidUnknownFields({ description: 'The new owner.' })
export class ProjectTransferRequest {
  @ApiProperty({ description: 'The `subject` of a member.', ...SUBJECT_SCHEMA })
  @Checked(newSubjectProblem)
  subject: OwnerId;
}

@ForbidUnknownFields({ description: 'The token of an invitation.' })
export class InvitationAcceptRequest {
  @ApiProperty({
    description: 'The part of the `invite_url` after `#`, or the whole URL.',
    type: 'string',
    minLength: 1,
    maxLength: 2048,
    writeOnly: true,
    example: `tki_${'a'.repeat(43)}000000`,
  })
  @Checked(textCheck(1, 2048))
  token: string;
}

@ApiSchema({ description: 'Somebody with a role in the project.' })
export class MemberResponse {
  @ApiProperty({ description: 'The `sub` of the person’s access tokens.', ...SUBJECT_SCHEMA })
  subject: string;

  @ApiProperty({ description: 'The role of the person.', enum: ROLES, example: 'admin' })
  role: Role;

  @ApiNullableTime('Time of joining; `null` for the owner.')
  created_at: string | null;
}

@ApiSchema({ description: 'The members of a project.' })
export class MemberListResponse {
  @ApiProperty({ description: 'The owner, then those who joined first.', type: [MemberResponse] })
  members: MemberResponse[];
}

@ApiSchema({ description: 'An open invitation.' })
export class InvitationResponse {
  @ApiUuid('Its id.')
  id: string;

  @ApiProperty({ description: 'Address of the invited person.', ...EMAIL })
  email: string;

  @ApiProperty({ description: 'The role of the person after joining.', enum: GIVEN_ROLES, example: 'admin' })
  role: GivenRole;

  @ApiTime('Time of creation.')
  created_at: string;

  @ApiTime('Time at which it expires if it is not used.')
  expires_at: string;
}

@ApiSchema({ description: 'A new invitation.' })
export class InvitationCreatedResponse extends InvitationResponse {
  @ApiProperty({
    description:
      'A page on which one person joins, once. It is shown this once: hand it on to the person. What follows `#` is the token for `invitations/accept`.',
    type: String,
    example: `https://tillkeeper.example.com/invitations#tki_${'a'.repeat(43)}000000`,
  })
  invite_url: string;

  @ApiProperty({
    description:
      'Whether a mail is on its way to the address. `false`: hand `invite_url` on yourself, since this service sends no mail, or the address got three invitations by mail within an hour.',
    type: Boolean,
    example: true,
  })
  mailed: boolean;
}

@ApiSchema({ description: 'The open invitations of a project, the oldest first.' })
export class InvitationListResponse {
  @ApiProperty({ description: 'The invitations.', type: [InvitationResponse] })
  invitations: InvitationResponse[];
}

export function toMemberResponse({ subject, role, createdAt }: Member): MemberResponse {
  return { subject, role, created_at: createdAt.toISOString() };
}

export function toInvitationResponse({
  id,
  email,
  role,
  createdAt,
  expiresAt,
}: Invitation): InvitationResponse {
  return { id, email, role, created_at: createdAt.toISOString(), expires_at: expiresAt.toISOString() };
}

export function toInvitationCreatedResponse(invitation: NewInvitation): InvitationCreatedResponse {
  return { ...toInvitationResponse(invitation), invite_url: invitation.url, mailed: invitation.isMailed };
}

/** Reads the `{subject}` of a path. */
@Injectable()
export class SubjectPipe implements PipeTransform<string, OwnerId> {
  transform(value: string): OwnerId {
    const problem = subjectProblem(value);
    if (problem) throw new ValidationFailed([{ loc: ['path', 'subject'], ...problem }]);
    return value as OwnerId;
  }
}
