import { Controller, HttpCode, HttpStatus, Param, Post, Req, UseGuards } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiOkResponse, ApiOperation, ApiParam, ApiProperty, ApiSchema, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Public, Unlimited } from '../../../auth/route-access.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { AcceptsAnyQuery } from '../../../http/validation/unknown-query.js';
import { HANDLED } from '../events/event-handler.service.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { ReceiverPathPipe, ReceivingProjectGuard } from './receiving-project.guard.js';
import { WebhookReceiverService } from './webhook-receiver.service.js';
import { RECEIVES_NOTHING } from '../refusals/webhook-receiver.errors.js';

@ApiSchema({ description: 'The committed outcome of the event.' })
export class WebhookReceipt {
  @ApiProperty({
    description: 'Always `true`.',
    type: Boolean,
    example: true,
  })
  received: true;

  @ApiProperty({
    description:
      "`applied`: the effect is stored. `ignored`: the event has no effect here. `unreadable`: this version does not know the event's form; the event is stored for a replay. `duplicate`: the event was applied or ignored before.",
    enum: HANDLED,
    example: 'applied',
  })
  outcome: (typeof HANDLED)[number];
}

/** Far above Stripe's largest events. */
const MAX_EVENT_BYTES = 1024 * 1024;

@ApiTags('Webhooks')
@Public()
@Unlimited()
@AcceptsAnyQuery()
@Controller('payments/stripe/webhooks')
export class WebhookReceiverController {
  constructor(private readonly receiver: WebhookReceiverService) {}

  @Post(':project_id/:mode')
  @UseGuards(ReceivingProjectGuard)
  @HttpCode(HttpStatus.OK)
  @RouteConfig({ rawBodyLimit: MAX_EVENT_BYTES })
  @ApiParam({
    name: 'project_id',
    description: "The project's id.",
    schema: { type: 'string', format: 'uuid' },
  })
  @ApiParam({
    name: 'mode',
    description: 'Mode of the events: `test` or `live`.',
    schema: { type: 'string' },
    example: 'test',
  })
  @ApiOperation({
    operationId: 'receiveStripeEvent',
    summary: 'Receive an event from Stripe',
    description:
      "Called by Stripe. `Stripe-Signature` must have a `v1` of the body's bytes with the project's webhook secret of this mode. Answers 200 after the effect of the event is stored. After any other answer Stripe retries.",
    security: [],
  })
  @ApiOkResponse({ description: 'The event was received.', type: WebhookReceipt })
  @ApiErrors({
    project: true,
    isPublic: true,
    meaning: {
      404: RECEIVES_NOTHING,
      408: 'The body took more than 15 seconds to arrive.',
      413: 'The body is over 1 MB.',
      429: 'Too many bodies are arriving from this address; try again after `Retry-After` seconds.',
    },
  })
  async receive(
    @Param(ReceiverPathPipe) tenant: ProjectMode,
    @Req() { headers, body }: FastifyRequest,
  ): Promise<WebhookReceipt> {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const signature = headers['stripe-signature']?.toString();
    const outcome = await this.receiver.receive({ ...tenant, signature, bytes, at: Date.now() });
    return { received: true, outcome };
  }
}
