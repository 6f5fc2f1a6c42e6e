import { Body, Controller, HttpCode, HttpStatus, Ip, Post } from '@nestjs/common';
import { ApiNoContentResponse, ApiOAuth2, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, CurrentDeveloper } from '../../auth/caller.js';
import { ForDevelopers } from '../../auth/route-access.js';
import type { Actor } from '../../common/actor.js';
import type { OwnerId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { ACCOUNT_ERRORS } from '../account.dto.js';
import { AccountsService } from '../accounts.service.js';
import { CurrentSession } from '../sessions/current-session.js';
import { ChangePasswordRequest } from './password.dto.js';

/** Serves changes of a password by its owner. */
@ApiTags('Accounts')
@Controller('auth')
export class PasswordsController {
  constructor(private readonly accounts: AccountsService) {}

  @Post('change-password')
  @ForDevelopers()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOAuth2([], 'OAuth2PasswordBearer')
  @ApiOperation({
    operationId: 'changePassword',
    summary: 'Change your password',
    description: 'Ends all other sessions of the account. The session of the access token goes on.',
  })
  @ApiNoContentResponse({ description: 'The new password is set.' })
  @ApiErrors({
    body: true,
    meaning: {
      ...ACCOUNT_ERRORS,
      403: 'The current password is wrong, or the token is not one for this operation.',
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
}
