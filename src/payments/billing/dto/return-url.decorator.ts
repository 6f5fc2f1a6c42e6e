import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Checked } from '../../../http/fields.js';
import { returnUrlProblem } from '../return-url.js';

/** Where Stripe's pages send the buyer. */
export function ReturnUrl(description: string, example: string): PropertyDecorator {
  const rule = 'An absolute `https` URL, or `http` on a loopback host in test mode.';
  return applyDecorators(
    ApiProperty({ description: `${description} ${rule}`, type: 'string', minLength: 1, example }),
    Checked(returnUrlProblem),
  );
}
