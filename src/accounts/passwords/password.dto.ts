import { ApiProperty } from '@nestjs/swagger';
import { Checked, ForbidUnknownFields } from '../../http/validation/request.pipe.js';
import { PASSWORD } from '../account.dto.js';
import { MIN_PASSWORD_LENGTH, newPasswordProblem, passwordProblem } from '../email.js';

const NEW_PASSWORD = {
  description: 'Any text from 8 to 1,000 characters.',
  ...PASSWORD,
  example: 'a new horse, another staple',
  minLength: MIN_PASSWORD_LENGTH,
} as const;

@ForbidUnknownFields({ description: 'The password of an account, and the next one.' })
export class ChangePasswordRequest {
  @ApiProperty({ description: 'The password until now.', ...PASSWORD })
  @Checked(passwordProblem)
  current_password: string;

  @ApiProperty(NEW_PASSWORD)
  @Checked(newPasswordProblem)
  new_password: string;
}
