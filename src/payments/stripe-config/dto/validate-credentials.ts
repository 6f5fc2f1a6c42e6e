import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { type Check, Checked, Flag } from '../../../http/fields.js';
import { ForbidUnknownFields } from '../../../http/request.pipe.js';

/** What a key looks like is part of the answer, not of the question. */
const someText: Check = (value) => {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
  return value.trim() === '' ? { type: 'string_too_short', msg: 'must not be empty' } : undefined;
};

@ApiSchema({ description: 'A secret key to ask Stripe about. It is not stored.' })
@ForbidUnknownFields()
export class ValidateStripeCredentialsRequest {
  @ApiProperty({
    description: 'A secret key or a restricted key.',
    type: String,
    minLength: 1,
    writeOnly: true,
    example: `sk_test_${'a'.repeat(32)}`,
  })
  @Checked(someText)
  secret_key: string;

  @Flag({ description: 'Whether it should be a key of test mode, or else of live mode.', default: true })
  is_test_mode = true;
}

@ApiSchema({ description: 'What Stripe says of the key.' })
export class ValidateStripeCredentialsResponse {
  @ApiProperty({ description: 'Whether Stripe accepts the key for all that is needed.', type: Boolean, example: true })
  valid: boolean;

  @ApiProperty({ description: 'Why, and what to do about it.', type: String, example: 'Stripe accepts this key.' })
  message: string;
}
