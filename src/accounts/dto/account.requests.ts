import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ApiNullableString } from '../../http/openapi/api-property.js';
import { Checked } from '../../http/fields.js';
import {
  emailProblem,
  fullNameProblem,
  MAX_NAME_LENGTH,
  MIN_PASSWORD_LENGTH,
  newEmailProblem,
  newPasswordProblem,
  passwordProblem,
} from '../account-rules.js';

const EMAIL = { type: 'string', format: 'email', example: 'ada@example.com' } as const;
const PASSWORD = { type: 'string', writeOnly: true, example: 'correct horse battery staple' } as const;

@ApiSchema({ description: 'A new account.' })
export class UserCreateRequest {
  @ApiProperty({ description: 'Whose it is. Upper and lower case make no difference.', ...EMAIL })
  @Checked(newEmailProblem)
  email: string;

  @ApiProperty({ description: 'Any text from 8 to 1,000 characters.', ...PASSWORD, minLength: MIN_PASSWORD_LENGTH })
  @Checked(newPasswordProblem)
  password: string;

  @ApiNullableString({ description: `What to call them, at most ${MAX_NAME_LENGTH} characters.`, example: 'Ada Lovelace', required: false })
  @IsOptional()
  @Checked(fullNameProblem)
  full_name?: string | null;
}

@ApiSchema({ description: 'Who logs in.' })
export class UserLoginRequest {
  @ApiProperty({ description: 'The address of the account.', ...EMAIL })
  @Checked(emailProblem)
  email: string;

  @ApiProperty({ description: 'Its password.', ...PASSWORD })
  @Checked(passwordProblem)
  password: string;
}

@ApiSchema({ description: 'Who logs in, as OAuth 2 has it (RFC 6749, section 4.3.2).' })
export class LoginForm {
  @ApiProperty({ description: 'Always `password`.', type: 'string', enum: ['password'], required: false, example: 'password' })
  grant_type: string;

  @ApiProperty({ description: 'The e-mail address of the account.', type: 'string', example: 'ada@example.com' })
  username: string;

  @ApiProperty({ description: 'Its password.', ...PASSWORD })
  password: string;
}

@ApiSchema({ description: 'Which session goes on.' })
export class RefreshRequest {
  @ApiProperty({
    description: 'The last refresh token. It is good once.',
    type: 'string',
    writeOnly: true,
    example: `tkrt_6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11_${'a'.repeat(43)}`,
  })
  @Checked(passwordProblem)
  refresh_token: string;
}
