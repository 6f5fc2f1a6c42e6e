import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentReader, type Reader } from '../../../auth/caller.js';
import type { ProjectId } from '../../../common/ids.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import {
  linkNextPage,
  LongPageQuery,
  NEXT_PAGE_LINK,
  offsetOf,
} from '../../../http/validation/page.query.js';
import { Settings } from '../../../config/settings.js';
import type { Project } from '../../../projects/project.entity.js';
import type { Scope } from '../../../projects/members/readable-projects.js';
import {
  CoversProjectsWith,
  CurrentProject,
  RequiresPermission,
} from '../../../projects/permissions/project.guards.js';
import {
  AggregatedPaymentListResponse,
  AggregatedSubscriptionListResponse,
  StripeSubscriptionListResponse,
  toAggregatedPayment,
  toAggregatedSubscription,
} from './aggregated.responses.js';
import { LedgerListsRepository } from './ledger-lists.repository.js';
import type { LedgerFilter } from './ledger-lists.statements.js';
import { LedgerOverviewService } from './ledger-overview.service.js';
import {
  type AnyListQuery,
  PaymentListQuery,
  ProjectPaymentsQuery,
  ProjectSubscriptionsQuery,
  StatsQuery,
  SubscriptionListQuery,
} from './list.queries.js';
import {
  PaymentStatsResponse,
  ProjectPaymentConfigListResponse,
  toProjectPaymentConfig,
} from './overview.responses.js';
import { StripePaymentListResponse, toPaymentResponse } from './payment.response.js';
import { toSubscriptionResponse } from './subscription.response.js';

@ApiTags('Subscriptions and payments')
@ApiBearerAuth('HTTPBearer')
@Controller('payments')
export class DeveloperListsController {
  constructor(
    private readonly lists: LedgerListsRepository,
    private readonly overview: LedgerOverviewService,
    private readonly settings: Settings,
  ) {}

  @Get('subscriptions')
  @CoversProjectsWith('ledger:read')
  @ApiOperation({
    operationId: 'listSubscriptions',
    summary: 'List the subscriptions of all your projects',
    description:
      'One page over all projects in which you have a role, newest first. Any other project gives an empty page.',
  })
  @ApiOkResponse({ description: 'The subscriptions.', type: AggregatedSubscriptionListResponse })
  @ApiErrors({})
  async subscriptions(
    @CurrentReader() reader: Reader,
    @Query() query: SubscriptionListQuery,
  ): Promise<AggregatedSubscriptionListResponse> {
    const { page, page_size } = query;
    const { rows, total, isExact } = await this.lists.subscriptions(scopeOf(reader, query), filterOf(query), {
      limit: page_size,
      offset: offsetOf(query),
    });
    return {
      subscriptions: rows.map(toAggregatedSubscription),
      total,
      total_is_exact: isExact,
      page,
      page_size,
    };
  }

  @Get('transactions')
  @CoversProjectsWith('ledger:read')
  @ApiOperation({
    operationId: 'listTransactions',
    summary: 'List the payments of all your projects',
    description:
      'One page over all projects in which you have a role, newest first. Any other project gives an empty page.',
  })
  @ApiOkResponse({ description: 'The payments.', type: AggregatedPaymentListResponse })
  @ApiErrors({})
  async transactions(
    @CurrentReader() reader: Reader,
    @Query() query: PaymentListQuery,
  ): Promise<AggregatedPaymentListResponse> {
    const { page, page_size } = query;
    const { rows, total, isExact } = await this.lists.payments(scopeOf(reader, query), filterOf(query), {
      limit: page_size,
      offset: offsetOf(query),
    });
    return { payments: rows.map(toAggregatedPayment), total, total_is_exact: isExact, page, page_size };
  }

  @Get('projects')
  @CoversProjectsWith('config:read')
  @ApiOperation({
    operationId: 'listPaymentProjects',
    summary: 'List your projects with their configuration',
    description: 'The projects in which you have a role, the newest first.',
  })
  @ApiOkResponse({
    description: 'The projects.',
    type: ProjectPaymentConfigListResponse,
    headers: NEXT_PAGE_LINK,
  })
  @ApiErrors({})
  async projects(
    @CurrentReader() reader: Reader,
    @Query() page: LongPageQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProjectPaymentConfigListResponse> {
    const [limit, offset] = [page.page_size, offsetOf(page)];
    const { projects, total } = await this.overview.listProjects(reader, { limit, offset });
    if (offset + projects.length < total && projects.length > 0)
      linkNextPage(request, reply, page, this.settings.publicBaseUrl);
    return { projects: projects.map(toProjectPaymentConfig), total };
  }

  @Get('stats')
  @CoversProjectsWith('ledger:read')
  @ApiOperation({
    operationId: 'getPaymentStats',
    summary: 'Show statistics of all your projects',
    description:
      'Counts of projects, subscriptions and payments, and revenue: in both modes, or in live mode only.',
  })
  @ApiOkResponse({ description: 'The statistics.', type: PaymentStatsResponse })
  @ApiErrors({})
  stats(
    @CurrentReader() reader: Reader,
    @Query() { test_mode: withTestMode }: StatsQuery,
  ): Promise<PaymentStatsResponse> {
    return this.overview.statistics(reader, withTestMode);
  }
}

function scopeOf(readableBy: Reader, { project_id: only }: SubscriptionListQuery | PaymentListQuery): Scope {
  return { readableBy, only: only as ProjectId | undefined };
}

function filterOf(query: AnyListQuery): LedgerFilter {
  const { test_mode: isTest, updated_since: updatedSince } = query;
  return {
    mode: isTest === undefined ? undefined : isTest ? 'test' : 'live',
    status: query.status,
    userId: query.user_id,
    customerId: query.customer_id,
    subscriptionId: query.subscription_id,
    paymentIntentId: 'payment_intent_id' in query ? query.payment_intent_id : undefined,
    createdAfter: query.created_after,
    createdBefore: query.created_before,
    updatedSince,
    order: query.order ?? (updatedSince && 'updated_at'),
  };
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
    description: 'One page of the subscriptions in test or live mode, newest first.',
  })
  @ApiOkResponse({ description: 'The subscriptions.', type: StripeSubscriptionListResponse })
  @ApiErrors({ project: true })
  async subscriptions(
    @CurrentProject() { id: projectId }: Project,
    @Query() query: ProjectSubscriptionsQuery,
  ): Promise<StripeSubscriptionListResponse> {
    const { page, page_size } = query;
    const { rows, total, isExact } = await this.lists.subscriptions({ projectId }, filterOf(query), {
      limit: page_size,
      offset: offsetOf(query),
    });
    return {
      subscriptions: rows.map(toSubscriptionResponse),
      total,
      total_is_exact: isExact,
      page,
      page_size,
    };
  }

  @Get('payments')
  @ApiOperation({
    operationId: 'listProjectPayments',
    summary: "List a project's payments",
    description: 'One page of the payments in test or live mode, newest first.',
  })
  @ApiOkResponse({ description: 'The payments.', type: StripePaymentListResponse })
  @ApiErrors({ project: true })
  async payments(
    @CurrentProject() { id: projectId }: Project,
    @Query() query: ProjectPaymentsQuery,
  ): Promise<StripePaymentListResponse> {
    const { page, page_size } = query;
    const { rows, total, isExact } = await this.lists.payments({ projectId }, filterOf(query), {
      limit: page_size,
      offset: offsetOf(query),
    });
    return { payments: rows.map(toPaymentResponse), total, total_is_exact: isExact, page, page_size };
  }
}
