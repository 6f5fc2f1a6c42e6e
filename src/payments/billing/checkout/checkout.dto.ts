import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { Choice, Flag, wholeNumberCheck } from '../../../http/validation/fields.js';
import { Checked } from '../../../http/validation/request.pipe.js';
import { CHECKOUT_MODES, type CheckoutOrder } from './checkout.service.js';
import { type MetadataInput, metadataProblem } from './metadata.js';
import { ReturnUrl } from './return-url.js';

/** Stripe's ids start with `price_`, but older prices may have ids chosen by the account's owner. */
const PRICE_ID = /^[\x21-\x7e]{1,255}$/;

export function PriceId(description: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, type: 'string', minLength: 1, example: 'price_aaaaaaaaaaaaaaaaaaaaaaaa' }),
    Checked((value) => {
      if (value === undefined) return { type: 'missing', msg: 'is required' };
      if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
      if (value === '') return { type: 'string_too_short', msg: 'must have at least 1 character' };
      return PRICE_ID.test(value)
        ? undefined
        : { type: 'value_error', msg: "must be Stripe's id of a price, such as price_…" };
    }),
  );
}

const MAX_QUANTITY = 999_999;

@ApiSchema({ description: 'The purchase.' })
export class StripeCheckoutRequest implements CheckoutOrder {
  @PriceId("Stripe's id of the price.")
  price_id: string;

  @ReturnUrl(
    'URL for the buyer after the payment. Stripe replaces `{CHECKOUT_SESSION_ID}` by the id of the session.',
    'https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}',
  )
  success_url: string;

  @ReturnUrl('URL for a buyer who does not pay.', 'https://shop.example.com/prices')
  cancel_url: string;

  @Choice({
    description: '`subscription` for a recurring price, `payment` for any other.',
    of: CHECKOUT_MODES,
    default: 'subscription',
  })
  mode: CheckoutOrder['mode'] = 'subscription';

  @ApiProperty({
    description: `How many, ${MAX_QUANTITY} at most.`,
    type: 'integer',
    minimum: 1,
    default: 1,
    required: false,
    example: 1,
  })
  @Checked(wholeNumberCheck(1, MAX_QUANTITY))
  quantity = 1;

  @ApiProperty({
    description:
      'Metadata for the session, and for its subscription or payment: up to 48 entries, names of 40 characters, values of 500. `user_id` and `project_id` are always set here.',
    anyOf: [{ type: 'object', additionalProperties: true }, { type: 'null' }],
    required: false,
    example: { campaign: 'autumn' },
  })
  // A repeated request with the same Idempotency-Key may say null, {} or nothing.
  @Transform(({ value }: { value: MetadataInput | null }) => value ?? {})
  @Checked(metadataProblem)
  metadata: MetadataInput = {};

  @Flag({
    description: 'Whether a buyer who has an active or trialing subscription may buy another one.',
    default: false,
  })
  allow_existing_subscription = false;
}

@ApiSchema({ description: 'A page at Stripe for this buyer.' })
export class StripeCheckoutResponse {
  @ApiProperty({
    description: "Stripe's id of the session.",
    type: String,
    example: 'cs_test_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  session_id: string;

  @ApiProperty({
    description: 'URL to redirect the buyer to.',
    type: String,
    example: 'https://checkout.stripe.com/c/pay/cs_test_…',
  })
  checkout_url: string;
}

@ApiSchema({ description: 'URL to which the portal returns.' })
export class CustomerPortalRequest {
  @ReturnUrl('URL to which the portal returns.', 'https://shop.example.com/account')
  return_url: string;
}

@ApiSchema({
  description: "Stripe's page where the buyer manages cards, invoices and subscriptions.",
})
export class CustomerPortalResponse {
  @ApiProperty({
    description: 'URL to redirect the buyer to.',
    type: String,
    example: 'https://billing.stripe.com/p/session/…',
  })
  portal_url: string;
}
