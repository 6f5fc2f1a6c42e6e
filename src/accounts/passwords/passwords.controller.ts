import { Body, Controller, HttpCode, HttpStatus, Ip, Post, Req } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOAuth2, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CurrentActor, CurrentDeveloper } from '../../auth/caller.js';
import { ForDevelopers, Public } from '../../auth/route-access.js';
import { type Actor, personActor } from '../../common/actor.js';
import type { OwnerId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { ACCOUNT_ERRORS, NO_ACCOUNTS_HERE } from '../account.dto.js';
import { AccountsService } from '../accounts.service.js';
import { CurrentSession } from '../sessions/session.dto.js';
import { normalizeEmail } from '../../http/validation/email.js';
import {
  ChangePasswordRequest,
  PasswordResetMailRequest,
  PasswordResetMailResponse,
  PasswordResetRequest,
} from './password.dto.js';
import { PasswordResetsService } from './password-resets.service.js';

/** Serves changes of a password by its owner, who knows the former one or has a reset token. */
@ApiTags('Accounts')
@Controller('auth')
export class PasswordsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly resets: PasswordResetsService,
  ) {}

  @Post('change-password')
  @ForDevelopers()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOAuth2([], 'OAuth2PasswordBearer')
  @ApiOperation({
    operationId: 'changePassword',
    summary: 'Change your password',
    description: 'Ends all other sessions of the account. The session of the access token stays.',
  })
  @ApiNoContentResponse({ description: 'The new password is set.' })
  @ApiErrors({
    body: true,
    meaning: {
      ...ACCOUNT_ERRORS,
      403: 'The current password is wrong, or the token is of another kind.',
    },
  })
  async change(
    @CurrentDeveloper() developer: OwnerId,
    @CurrentSession() session: string | undefined,
    @Body() { current_password: current, new_password: next }: ChangePasswordRequest,
    @CurrentActor() actor: Actor,
    @Ip() ip: string,
  ): Promise<void> {
    const account = await this.accounts.get(developer);
    const passwords = { current: new Secret(current), next: new Secret(next) };
    await this.accounts.changePassword(account, passwords, { session, actor, ip });
  }

  @Post('password-reset-request')
  @Public()
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    operationId: 'requestPasswordReset',
    summary: 'Request a reset token',
    description:
      'Mails a reset token to the address, at most three within an hour. The answer does not reveal whether an account has the address.',
    security: [],
  })
  @ApiAcceptedResponse({ description: 'The next step.', type: PasswordResetMailResponse })
  @ApiErrors({ body: true, meaning: { ...NO_ACCOUNTS_HERE } })
  request(
    @Body() { email }: PasswordResetMailRequest,
    @Req() request: FastifyRequest,
  ): PasswordResetMailResponse {
    // The DTO has rejected invalid addresses.
    return { message: this.resets.request(normalizeEmail(email) ?? '', personActor('', request)) };
  }

  @Post('password-reset')
  @Public()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'resetPassword',
    summary: 'Set a new password with a reset token',
    description: 'Sets the password, ends all sessions of the account, and invalidates the token.',
    security: [],
  })
  @ApiNoContentResponse({ description: 'The new password is set.' })
  @ApiErrors({
    body: true,
    meaning: { ...NO_ACCOUNTS_HERE, 401: 'The reset token is not valid, or expired.' },
  })
  async reset(
    @Body() { token, new_password: next }: PasswordResetRequest,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    await this.resets.reset(token, new Secret(next), (accountId) => personActor(accountId, request));
  }
}
