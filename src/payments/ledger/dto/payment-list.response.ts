import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { StripePaymentResponse } from './payment.response.js';

@ApiSchema({ description: 'One page of payments, the newest first.' })
export class StripePaymentListResponse {
  @ApiProperty({ description: 'The payments of this page.', type: [StripePaymentResponse] })
  payments: StripePaymentResponse[];

  @ApiProperty({ description: 'How many there are in all.', type: 'integer', example: 1 })
  total: number;

  @ApiProperty({ description: 'Which page this is, from 1.', type: 'integer', example: 1 })
  page: number;

  @ApiProperty({ description: 'How many a page has.', type: 'integer', example: 50 })
  page_size: number;
}
