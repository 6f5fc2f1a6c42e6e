import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { HANDLED } from '../event-handler.service.js';

@ApiSchema({ description: 'What was done with the event. It is committed.' })
export class WebhookReceipt {
  @ApiProperty({ description: 'Always `true`: what was not received is an error.', type: Boolean, example: true })
  received: true;

  @ApiProperty({
    description:
      '`applied`: its effect is stored. `ignored`: nothing here depends on it. `unreadable`: it is in a form that this version does not know, and is kept for a replay. `duplicate`: it was applied or ignored before.',
    enum: HANDLED,
    example: 'applied',
  })
  outcome: (typeof HANDLED)[number];
}
