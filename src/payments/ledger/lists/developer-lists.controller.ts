import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentDeveloper } from '../../../auth/current-developer.decorator.js';
import { ApiErrors } from '../../../http/openapi/api-errors.decorator.js';
import { ForDevelopers } from '../../../auth/route-access.decorators.js';
import { type OwnerId, parseProjectId } from '../../../common/ids.js';
import { offsetOf } from '../../../http/page.query.js';
import { toAggregatedPayment, toAggregatedSubscription } from './dto/aggregated.responses.js';
import { PaymentListQuery, StatsQuery, SubscriptionListQuery } from './dto/list.queries.js';
import { AggregatedPaymentListResponse, AggregatedSubscriptionListResponse } from './dto/list.responses.js';
import { PaymentStatsResponse } from './dto/payment-stats.response.js';
import { ProjectPaymentConfigListResponse, toProjectPaymentConfig } from './dto/project-payment-config.response.js';
import { LedgerListsRepository } from './ledger-lists.repository.js';
import type { LedgerFilter } from './ledger-lists.statements.js';
import { LedgerOverviewRepository } from './ledger-overview.repository.js';
import { StatsService } from './stats.service.js';

@ApiTags('Subscriptions and payments')
@ApiBearerAuth('HTTPBearer')
@ForDevelopers()
@Controller('payments')
export class DeveloperListsController {
  constructor(
    private readonly lists: LedgerListsRepository,
    private readonly overview: LedgerOverviewRepository,
    private readonly statistics: StatsService,
  ) {}

  @Get('subscriptions')
  @ApiOperation({
    operationId: 'listSubscriptions',
    summary: 'List the subscriptions of all your projects',
    description: 'One page, the newest first. A project that is not yours has none.',
  })
  @ApiOkResponse({ description: 'The subscriptions.', type: AggregatedSubscriptionListResponse })
  @ApiErrors({ query: true })
  async subscriptions(
    @CurrentDeveloper() developer: OwnerId,
    @Query() query: SubscriptionListQuery,
  ): Promise<AggregatedSubscriptionListResponse> {
    const { page, page_size } = query;
    const { rows, total } = await this.lists.subscriptions(filterOf(developer, query), { limit: page_size, offset: offsetOf(query) });
    return { subscriptions: rows.map(toAggregatedSubscription), total, page, page_size };
  }

  @Get('transactions')
  @ApiOperation({
    operationId: 'listTransactions',
    summary: 'List the payments of all your projects',
    description: 'One page, the newest first. A project that is not yours has none.',
  })
  @ApiOkResponse({ description: 'The payments.', type: AggregatedPaymentListResponse })
  @ApiErrors({ query: true })
  async transactions(@CurrentDeveloper() developer: OwnerId, @Query() query: PaymentListQuery): Promise<AggregatedPaymentListResponse> {
    const { page, page_size } = query;
    const { rows, total } = await this.lists.payments(filterOf(developer, query), { limit: page_size, offset: offsetOf(query) });
    return { payments: rows.map(toAggregatedPayment), total, page, page_size };
  }

  @Get('projects')
  @ApiOperation({
    operationId: 'listPaymentProjects',
    summary: 'List your projects and what is configured of them',
    description: 'All projects of the calling developer, the newest first.',
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
    description: 'How many projects, subscriptions and payments there are, and what they brought in: in both modes, or in live mode alone.',
  })
  @ApiOkResponse({ description: 'The statistics.', type: PaymentStatsResponse })
  @ApiErrors({ query: true })
  stats(@CurrentDeveloper() developer: OwnerId, @Query() { test_mode: withTestMode }: StatsQuery): Promise<PaymentStatsResponse> {
    return this.statistics.of(developer, withTestMode);
  }
}

function filterOf(ownerId: OwnerId, query: SubscriptionListQuery | PaymentListQuery): LedgerFilter {
  const { project_id: projectId, test_mode: isTest, status } = query;
  const mode = isTest === undefined ? undefined : isTest ? 'test' : 'live';
  return { ownerId, projectId: projectId === undefined ? undefined : parseProjectId(projectId), mode, status };
}
