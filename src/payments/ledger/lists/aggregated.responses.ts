import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { Listed, PaymentView, SubscriptionView } from './ledger-lists.statements.js';
import { PageResponse, StripePaymentResponse, toPaymentResponse } from './payment.response.js';
import { StripeSubscriptionResponse, toSubscriptionResponse } from './subscription.response.js';

const PROVIDER = 'stripe';

const ProjectName = () =>
  ApiProperty({ description: "The project's name.", type: String, example: 'Corner shop' });
const Provider = () =>
  ApiProperty({ description: 'Always `stripe`.', type: String, default: PROVIDER, example: PROVIDER });

@ApiSchema({ description: 'A subscription with its project.' })
export class AggregatedSubscriptionResponse extends StripeSubscriptionResponse {
  @ProjectName()
  project_name: string;

  @Provider()
  provider: string;
}

@ApiSchema({ description: 'A payment with its project.' })
export class AggregatedPaymentResponse extends StripePaymentResponse {
  @ProjectName()
  project_name: string;

  @Provider()
  provider: string;
}

export function toAggregatedSubscription(row: Listed<SubscriptionView>): AggregatedSubscriptionResponse {
  return { ...toSubscriptionResponse(row), project_name: row.projectName, provider: PROVIDER };
}

export function toAggregatedPayment(row: Listed<PaymentView>): AggregatedPaymentResponse {
  return { ...toPaymentResponse(row), project_name: row.projectName, provider: PROVIDER };
}

@ApiSchema({ description: "One page of a project's subscriptions, newest first." })
export class StripeSubscriptionListResponse extends PageResponse {
  @ApiProperty({ description: 'The subscriptions of this page.', type: [StripeSubscriptionResponse] })
  subscriptions: StripeSubscriptionResponse[];
}

@ApiSchema({ description: 'One page of the subscriptions of all readable projects, newest first.' })
export class AggregatedSubscriptionListResponse extends PageResponse {
  @ApiProperty({ description: 'The subscriptions of this page.', type: [AggregatedSubscriptionResponse] })
  subscriptions: AggregatedSubscriptionResponse[];
}

@ApiSchema({ description: 'One page of the payments of all readable projects, newest first.' })
export class AggregatedPaymentListResponse extends PageResponse {
  @ApiProperty({ description: 'The payments of this page.', type: [AggregatedPaymentResponse] })
  payments: AggregatedPaymentResponse[];
}
