import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { Checked, TextField } from '../../../http/fields.js';
import { PageQuery } from '../../../http/page.query.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe-config/credential-rules.js';
import { type Outcome, OUTCOMES } from '../received-event.js';

function OneOf(names: readonly string[], description: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, enum: names, required: false }),
    IsOptional(),
    Checked((value) => (names.some((name) => name === value) ? undefined : { type: 'enum', msg: `must be ${names.join(' or ')}` })),
  );
}

/** Which of the events that arrived. */
export class WebhookEventsQuery extends PageQuery {
  @OneOf(STRIPE_MODES, 'Only those of this mode.')
  mode?: StripeMode;

  @OneOf(OUTCOMES, 'Only those with this outcome.')
  outcome?: Outcome;

  @TextField({ description: 'Only those of this type.', example: 'invoice.paid', maxLength: 255, optional: true })
  type?: string;
}
