import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { textCheck } from '../../http/validation/fields.js';
import { Checked, ForbidUnknownFields } from '../../http/validation/request.pipe.js';
import { EMAIL, PASSWORD } from '../account.dto.js';
import { emailProblem } from '../../http/validation/email.js';
import { MIN_PASSWORD_LENGTH, newPasswordProblem, passwordProblem } from '../account-rules.js';

import { RESET_MAILED } from './password-resets.service.js';

/** Far above the length of a token. */
const MAX_TOKEN_LENGTH = 255;

const NEW_PASSWORD = {
  description: '8 to 1,000 characters of any script.',
  ...PASSWORD,
  example: 'a new horse, another staple',
  minLength: MIN_PASSWORD_LENGTH,
} as const;

@ForbidUnknownFields({ description: 'The current and the new password.' })
export class ChangePasswordRequest {
  @ApiProperty({ description: 'The current password.', ...PASSWORD })
  @Checked(passwordProblem)
  current_password: string;

  @ApiProperty(NEW_PASSWORD)
  @Checked(newPasswordProblem)
  new_password: string;
}

@ForbidUnknownFields({ description: 'A reset token, and the new password.' })
export class PasswordResetRequest {
  @ApiProperty({
    description: 'The reset token. It is valid once.',
    type: 'string',
    writeOnly: true,
    example: `tkp_${'a'.repeat(49)}`,
    maxLength: MAX_TOKEN_LENGTH,
  })
  @Checked(textCheck(0, MAX_TOKEN_LENGTH))
  token: string;

  @ApiProperty(NEW_PASSWORD)
  @Checked(newPasswordProblem)
  new_password: string;
}

@ForbidUnknownFields({ description: 'The account with the forgotten password.' })
export class PasswordResetMailRequest {
  @ApiProperty({ description: 'The address of the account.', ...EMAIL })
  @Checked(emailProblem)
  email: string;
}

@ApiSchema({ description: 'The next step.' })
export class PasswordResetMailResponse {
  @ApiProperty({
    description: 'The next step. Without mail it is to ask the operator.',
    type: String,
    example: RESET_MAILED,
  })
  message: string;
}
