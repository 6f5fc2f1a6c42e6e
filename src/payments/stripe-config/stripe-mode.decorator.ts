import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { type Check, Checked } from '../../http/fields.js';
import { STRIPE_MODES } from './credential-rules.js';

const aMode: Check = (value) => {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  return STRIPE_MODES.some((mode) => mode === value) ? undefined : { type: 'enum', msg: 'must be test or live' };
};

/** The mode that a body asks for. */
export function StripeModeField(description: string): PropertyDecorator {
  return applyDecorators(ApiProperty({ description, enum: STRIPE_MODES, example: 'test' }), Checked(aMode));
}
