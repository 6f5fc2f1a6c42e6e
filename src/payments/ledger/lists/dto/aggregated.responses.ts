import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { type PaymentRow, StripePaymentResponse, toPaymentResponse } from '../../dto/payment.response.js';
import { StripeSubscriptionResponse, type SubscriptionRow, toSubscriptionResponse } from '../../dto/subscription.response.js';

const PROVIDER = 'stripe';

const ProjectName = () => ApiProperty({ description: "The project's name.", type: String, example: 'Corner shop' });
const Provider = () => ApiProperty({ description: 'Always `stripe`.', type: String, default: PROVIDER, example: PROVIDER });

@ApiSchema({ description: 'A subscription, and to which project it belongs.' })
export class AggregatedSubscriptionResponse extends StripeSubscriptionResponse {
  @ProjectName()
  project_name: string;

  @Provider()
  provider: string;
}

@ApiSchema({ description: 'A payment, and to which project it belongs.' })
export class AggregatedPaymentResponse extends StripePaymentResponse {
  @ProjectName()
  project_name: string;

  @Provider()
  provider: string;
}

export function toAggregatedSubscription(row: SubscriptionRow & { project_name: string }): AggregatedSubscriptionResponse {
  return { ...toSubscriptionResponse(row), project_name: row.project_name, provider: PROVIDER };
}

export function toAggregatedPayment(row: PaymentRow & { project_name: string }): AggregatedPaymentResponse {
  return { ...toPaymentResponse(row), project_name: row.project_name, provider: PROVIDER };
}
