import { ApiProperty, ApiSchema } from '@nestjs/swagger';

const description = (mode: string) => `Where Stripe sends the ${mode} mode events of this project.`;
const example = (mode: string) =>
  `https://tillkeeper.example.com/api/v1/payments/stripe/webhooks/6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11/${mode}`;

@ApiSchema({ description: "The webhook URLs to register in Stripe's dashboard." })
export class StripeWebhookUrlsResponse {
  @ApiProperty({ description: description('test'), type: String, example: example('test') })
  test_webhook_url: string;

  @ApiProperty({ description: description('live'), type: String, example: example('live') })
  live_webhook_url: string;
}
