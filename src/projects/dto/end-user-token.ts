import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { SUBJECT, SUBJECT_RULE } from '../../auth/token-claims.js';
import { type Check, Checked, WholeNumber } from '../../http/fields.js';
import { ForbidUnknownFields } from '../../http/request.pipe.js';

const DEFAULT_SECONDS = 1_800;

const userIdCheck: Check = (value) => {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
  return SUBJECT.test(value) ? undefined : { type: 'value_error', msg: `must be ${SUBJECT_RULE}` };
};

@ApiSchema({ description: 'For whom a token is wanted.' })
@ForbidUnknownFields()
export class EndUserTokenRequest {
  @ApiProperty({
    description: `What you call this user: ${SUBJECT_RULE}. The same text is the same user for ever; other operations show it as a UUID.`,
    type: 'string',
    minLength: 1,
    maxLength: 255,
    example: 'customer-4711',
  })
  @Checked(userIdCheck)
  user_id: string;

  @WholeNumber({
    description: 'For how many seconds the token is good. It can not be taken back before.',
    minimum: 60,
    maximum: 86_400,
    default: DEFAULT_SECONDS,
  })
  @Transform(({ value }: { value: unknown }) => value ?? DEFAULT_SECONDS)
  expires_in: number = DEFAULT_SECONDS;
}

@ApiSchema({ description: 'A token for one end user of one project.' })
export class EndUserTokenResponse {
  @ApiProperty({ description: 'To be sent as `Authorization: Bearer <token>`.', type: String, example: 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln' })
  access_token: string;

  @ApiProperty({ description: 'Always `bearer`.', type: String, example: 'bearer' })
  token_type: string;

  @ApiProperty({ description: 'For how many seconds it is good.', type: 'integer', example: DEFAULT_SECONDS })
  expires_in: number;
}
