import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Checked } from '../../../http/fields.js';

/** Stripe makes `price_…`; an account may have older ones with names of its own. */
const PRICE_ID = /^[\x21-\x7e]{1,255}$/;

export function PriceId(description: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, type: 'string', minLength: 1, example: 'price_aaaaaaaaaaaaaaaaaaaaaaaa' }),
    Checked((value) => {
      if (value === undefined) return { type: 'missing', msg: 'is required' };
      if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
      if (value === '') return { type: 'string_too_short', msg: 'must have at least 1 character' };
      return PRICE_ID.test(value) ? undefined : { type: 'value_error', msg: "must be Stripe's id of a price, such as price_…" };
    }),
  );
}
