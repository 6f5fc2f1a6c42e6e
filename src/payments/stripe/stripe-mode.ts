import { applyDecorators, Injectable, type PipeTransform } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { type Check, Checked } from '../../http/validation/request.pipe.js';

export const STRIPE_MODES = ['test', 'live'] as const;
export type StripeMode = (typeof STRIPE_MODES)[number];

/** One project in one of Stripe's modes: the tenant of everything that Stripe is asked or sends. */
export interface ProjectMode {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
}

const aMode: Check = (value) => {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  return STRIPE_MODES.some((mode) => mode === value)
    ? undefined
    : { type: 'enum', msg: 'must be test or live' };
};

/** A mode in a request body. */
export function StripeModeField(description: string): PropertyDecorator {
  return applyDecorators(ApiProperty({ description, enum: STRIPE_MODES, example: 'test' }), Checked(aMode));
}

/** Reads the `{mode}` of a path. */
@Injectable()
export class StripeModePipe implements PipeTransform<string, StripeMode> {
  transform(value: string): StripeMode {
    const mode = STRIPE_MODES.find((known) => known === value);
    if (!mode)
      throw new ValidationFailed([{ loc: ['path', 'mode'], msg: 'must be test or live', type: 'enum' }]);
    return mode;
  }
}
