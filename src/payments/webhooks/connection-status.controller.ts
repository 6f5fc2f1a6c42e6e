import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiErrors } from '../../http/openapi/api-errors.decorator.js';
import { CurrentProject } from '../../projects/current-project.decorator.js';
import type { Project } from '../../projects/project.js';
import { RequiresPermission } from '../../projects/project-owner.guard.js';
import { KeyHealth } from '../stripe-config/key-health.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { StripeConfigStatusResponse, toStatusResponse } from './dto/connection-status.response.js';
import { WebhookEventsService } from './webhook-events.service.js';

/** The health of a project's keys and webhooks. It stands here because it needs both. */
@ApiTags('Stripe connection')
@ApiBearerAuth('HTTPBearer')
@ApiParam({ name: 'project_id', description: "The project's id.", schema: { type: 'string', format: 'uuid' } })
@RequiresPermission('owner')
@Controller('payments/stripe/projects/:project_id/config/status')
export class ConnectionStatusController {
  constructor(
    private readonly health: KeyHealth,
    private readonly configs: StripeConfigService,
    private readonly events: WebhookEventsService,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'getStripeConfigStatus',
    summary: 'Show whether the stored credentials work',
    description: 'What Stripe last said of the stored keys, and the state of the webhooks, for each mode.',
  })
  @ApiOkResponse({ description: 'The state of both modes.', type: StripeConfigStatusResponse })
  @ApiErrors({ project: true })
  async status(@CurrentProject() { id }: Project): Promise<StripeConfigStatusResponse> {
    return toStatusResponse(await this.health.find(id), await this.events.states(id), await this.configs.findUnreadable(id));
  }
}
