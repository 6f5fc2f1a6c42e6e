import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiErrors } from '../../../http/openapi/api-errors.decorator.js';
import { offsetOf } from '../../../http/page.query.js';
import { CurrentProject } from '../../../projects/current-project.decorator.js';
import type { Project } from '../../../projects/project.js';
import { RequiresPermission } from '../../../projects/project-owner.guard.js';
import { StripePaymentListResponse } from '../dto/payment-list.response.js';
import { toPaymentResponse } from '../dto/payment.response.js';
import { toSubscriptionResponse } from '../dto/subscription.response.js';
import { ProjectListQuery } from './dto/list.queries.js';
import { StripeSubscriptionListResponse } from './dto/list.responses.js';
import { LedgerListsRepository } from './ledger-lists.repository.js';
import type { LedgerFilter } from './ledger-lists.statements.js';

@ApiTags('Subscriptions and payments')
@ApiBearerAuth('HTTPBearer')
@ApiParam({ name: 'project_id', description: "The project's id.", schema: { type: 'string', format: 'uuid' } })
@RequiresPermission('owner')
@Controller('payments/stripe/projects/:project_id')
export class ProjectListsController {
  constructor(private readonly lists: LedgerListsRepository) {}

  @Get('subscriptions')
  @ApiOperation({
    operationId: 'listProjectSubscriptions',
    summary: "List a project's subscriptions",
    description: 'One page of the subscriptions in test mode or in live mode, the newest first.',
  })
  @ApiOkResponse({ description: 'The subscriptions.', type: StripeSubscriptionListResponse })
  @ApiErrors({ project: true })
  async subscriptions(@CurrentProject() project: Project, @Query() query: ProjectListQuery): Promise<StripeSubscriptionListResponse> {
    const { page, page_size } = query;
    const { rows, total } = await this.lists.subscriptions(filterOf(project, query), { limit: page_size, offset: offsetOf(query) });
    return { subscriptions: rows.map(toSubscriptionResponse), total, page, page_size };
  }

  @Get('payments')
  @ApiOperation({
    operationId: 'listProjectPayments',
    summary: "List a project's payments",
    description: 'One page of the payments in test mode or in live mode, the newest first.',
  })
  @ApiOkResponse({ description: 'The payments.', type: StripePaymentListResponse })
  @ApiErrors({ project: true })
  async payments(@CurrentProject() project: Project, @Query() query: ProjectListQuery): Promise<StripePaymentListResponse> {
    const { page, page_size } = query;
    const { rows, total } = await this.lists.payments(filterOf(project, query), { limit: page_size, offset: offsetOf(query) });
    return { payments: rows.map(toPaymentResponse), total, page, page_size };
  }
}

function filterOf({ id, ownerId }: Project, { test_mode: isTest }: ProjectListQuery): LedgerFilter {
  return { projectId: id, ownerId, mode: isTest ? 'test' : 'live' };
}
