import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { CurrentDeveloper } from '../../../auth/caller.js';
import { ForDevelopers } from '../../../auth/route-access.js';
import { type OwnerId, parseProjectId } from '../../../common/ids.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { offsetOf } from '../../../http/validation/page.query.js';
import type { Project } from '../../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../../projects/project.guards.js';
import {
  AggregatedPaymentListResponse,
  AggregatedSubscriptionListResponse,
  StripeSubscriptionListResponse,
  toAggregatedPayment,
  toAggregatedSubscription,
} from './aggregated.responses.js';
import { LedgerListsRepository, type Scope } from './ledger-lists.repository.js';
import type { LedgerFilter } from './ledger-lists.statements.js';
import { LedgerOverviewService } from './ledger-overview.service.js';
import { PaymentListQuery, ProjectListQuery, StatsQuery, SubscriptionListQuery } from './list.queries.js';
import {
  PaymentStatsResponse,
  ProjectPaymentConfigListResponse,
  toProjectPaymentConfig,
} from './overview.responses.js';
import { StripePaymentListResponse, toPaymentResponse } from './payment.response.js';
import { toSubscriptionResponse } from './subscription.response.js';

@ApiTags('Subscriptions and payments')
@ApiBearerAuth('HTTPBearer')
@ForDevelopers()
@Controller('payments')
export class DeveloperListsController {
  constructor(
    private readonly lists: LedgerListsRepository,
    private readonly overview: LedgerOverviewService,
  ) {}

  @Get('subscriptions')
  @ApiOperation({
    operationId: 'listSubscriptions',
    summary: 'List the subscriptions of all your projects',
    description:
      'One page over all projects in which you have a role, the newest first. Another project has none.',
  })
  @ApiOkResponse({ description: 'The subscriptions.', type: AggregatedSubscriptionListResponse })
  @ApiErrors({})
  async subscriptions(
    @CurrentDeveloper() developer: OwnerId,
    @Query() query: SubscriptionListQuery,
  ): Promise<AggregatedSubscriptionListResponse> {
    const { page, page_size } = query;
    const { rows, total } = await this.lists.subscriptions(scopeOf(developer, query), filterOf(query), {
      limit: page_size,
      offset: offsetOf(query),
    });
    return { subscriptions: rows.map(toAggregatedSubscription), total, page, page_size };
  }

  @Get('transactions')
  @ApiOperation({
    operationId: 'listTransactions',
    summary: 'List the payments of all your projects',
    description:
      'One page over all projects in which you have a role, the newest first. Another project has none.',
  })
  @ApiOkResponse({ description: 'The payments.', type: AggregatedPaymentListResponse })
  @ApiErrors({})
  async transactions(
    @CurrentDeveloper() developer: OwnerId,
    @Query() query: PaymentListQuery,
  ): Promise<AggregatedPaymentListResponse> {
    const { page, page_size } = query;
    const { rows, total } = await this.lists.payments(scopeOf(developer, query), filterOf(query), {
      limit: page_size,
      offset: offsetOf(query),
    });
    return { payments: rows.map(toAggregatedPayment), total, page, page_size };
  }

  @Get('projects')
  @ApiOperation({
    operationId: 'listPaymentProjects',
    summary: 'List your projects and what is configured of them',
    description: 'All projects in which you have a role, the newest first.',
  })
  @ApiOkResponse({ description: 'The projects.', type: ProjectPaymentConfigListResponse })
  @ApiErrors({})
  async projects(@CurrentDeveloper() developer: OwnerId): Promise<ProjectPaymentConfigListResponse> {
    const projects = await this.overview.listProjects(developer);
    return { projects: projects.map(toProjectPaymentConfig), total: projects.length };
  }

  @Get('stats')
  @ApiOperation({
    operationId: 'getPaymentStats',
    summary: 'Show statistics of all your projects',
    description:
      'How many projects, subscriptions and payments there are, and what they brought in: in both modes, or in live mode alone.',
  })
  @ApiOkResponse({ description: 'The statistics.', type: PaymentStatsResponse })
  @ApiErrors({})
  stats(
    @CurrentDeveloper() developer: OwnerId,
    @Query() { test_mode: withTestMode }: StatsQuery,
  ): Promise<PaymentStatsResponse> {
    return this.overview.statistics(developer, withTestMode);
  }
}

type DeveloperQuery = SubscriptionListQuery | PaymentListQuery;

function scopeOf(readableBy: OwnerId, { project_id: only }: DeveloperQuery): Scope {
  return { readableBy, only: only === undefined ? undefined : parseProjectId(only) };
}

function filterOf(query: DeveloperQuery | ProjectListQuery): LedgerFilter {
  const { test_mode: isTest } = query;
  const mode = isTest === undefined ? undefined : isTest ? 'test' : 'live';
  return { mode, status: 'status' in query ? query.status : undefined };
}

@ApiTags('Subscriptions and payments')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('ledger:read')
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
  async subscriptions(
    @CurrentProject() { id: projectId }: Project,
    @Query() query: ProjectListQuery,
  ): Promise<StripeSubscriptionListResponse> {
    const { page, page_size } = query;
    const { rows, total } = await this.lists.subscriptions({ projectId }, filterOf(query), {
      limit: page_size,
      offset: offsetOf(query),
    });
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
  async payments(
    @CurrentProject() { id: projectId }: Project,
    @Query() query: ProjectListQuery,
  ): Promise<StripePaymentListResponse> {
    const { page, page_size } = query;
    const { rows, total } = await this.lists.payments({ projectId }, filterOf(query), {
      limit: page_size,
      offset: offsetOf(query),
    });
    return { payments: rows.map(toPaymentResponse), total, page, page_size };
  }
}
