import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { parseUuid } from '../../common/ids.js';
import { ApiNullableString, ApiTime, ApiUuid } from '../../http/openapi/api-errors.js';
import type { SessionEntity } from '../account.entities.js';

@ApiSchema({ name: 'Session', description: 'An active session.' })
export class SessionResponse {
  @ApiUuid("The session's id.")
  id: string;

  @ApiProperty({
    description: "Whether it is the session of this request's access token.",
    type: Boolean,
    example: true,
  })
  is_current: boolean;

  @ApiTime('The time of the login.')
  created_at: string;

  @ApiTime('The time of the last refresh, or of the login.')
  last_used_at: string;

  @ApiTime('When the session ends without a refresh.')
  expires_at: string;

  @ApiNullableString({ description: 'Network address of the login.', example: '192.0.2.7' })
  ip: string | null;

  @ApiNullableString({ description: 'User agent of the login.', example: 'curl/8.5.0' })
  user_agent: string | null;
}

@ApiSchema({ name: 'SessionList', description: 'One page of the sessions, newest first.' })
export class SessionListResponse {
  @ApiProperty({ description: 'The sessions.', type: [SessionResponse] })
  sessions: SessionResponse[];

  @ApiProperty({ description: 'How many sessions there are.', type: 'integer', example: 1 })
  total: number;

  @ApiProperty({ description: 'Number of this page.', type: 'integer', example: 1 })
  page: number;

  @ApiProperty({ description: 'How many sessions a page has.', type: 'integer', example: 50 })
  page_size: number;
}

/** @param currentId the session of the caller, if the access token has one */
export function toSessionResponse(session: SessionEntity, currentId: string | undefined): SessionResponse {
  return {
    id: session.id,
    is_current: session.id === currentId,
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    ip: session.ip,
    user_agent: session.userAgent,
  };
}

/** Injects the id of the access token's session. Tokens of another signer with the same secret have none. */
export const CurrentSession = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { identity } = context.switchToHttp().getRequest<FastifyRequest>();
  const isDeveloper = 'kind' in identity && identity.kind === 'developer';
  return isDeveloper ? parseUuid<string>(identity.sessionId ?? '') : undefined;
});
