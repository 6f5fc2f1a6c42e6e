import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { StripeSubscriptionResponse } from '../../dto/subscription.response.js';
import { AggregatedPaymentResponse, AggregatedSubscriptionResponse } from './aggregated.responses.js';

class PageResponse {
  @ApiProperty({ description: 'How many there are on all pages.', type: 'integer', example: 1 })
  total: number;

  @ApiProperty({ description: 'Which page this is, from 1.', type: 'integer', example: 1 })
  page: number;

  @ApiProperty({ description: 'How many a page has.', type: 'integer', example: 50 })
  page_size: number;
}

@ApiSchema({ description: "One page of a project's subscriptions, the newest first." })
export class StripeSubscriptionListResponse extends PageResponse {
  @ApiProperty({ description: 'The subscriptions of this page.', type: [StripeSubscriptionResponse] })
  subscriptions: StripeSubscriptionResponse[];
}

@ApiSchema({ description: "One page of the subscriptions of a developer's projects, the newest first." })
export class AggregatedSubscriptionListResponse extends PageResponse {
  @ApiProperty({ description: 'The subscriptions of this page.', type: [AggregatedSubscriptionResponse] })
  subscriptions: AggregatedSubscriptionResponse[];
}

@ApiSchema({ description: "One page of the payments of a developer's projects, the newest first." })
export class AggregatedPaymentListResponse extends PageResponse {
  @ApiProperty({ description: 'The payments of this page.', type: [AggregatedPaymentResponse] })
  payments: AggregatedPaymentResponse[];
}
