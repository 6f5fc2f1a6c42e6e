import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { CurrentReader, type Reader } from '../../../auth/caller.js';
import type { ProjectId } from '../../../common/ids.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import type { Project } from '../../../projects/project.entity.js';
import {
  CoversProjectsWith,
  CurrentProject,
  RequiresPermission,
} from '../../../projects/permissions/project.guards.js';
import {
  ReadableSeriesQuery,
  rangeOf,
  SeriesQuery,
  StatsSeriesResponse,
  toSeriesResponse,
} from './series.dto.js';
import { SeriesService } from './series.service.js';

const DESCRIPTION =
  'Gross and net revenue, refunds, disputes and active subscriptions by day, week or month, and by currency. A payment counts at its creation, a refund at its time, and a dispute at its opening.';

@ApiTags('Subscriptions and payments')
@ApiBearerAuth('HTTPBearer')
@Controller('payments')
export class SeriesController {
  constructor(private readonly series: SeriesService) {}

  @Get('stats/series')
  @CoversProjectsWith('ledger:read')
  @ApiOperation({
    operationId: 'getPaymentStatsSeries',
    summary: 'Show statistics of all your projects over time',
    description: `${DESCRIPTION} A project in which you have no role counts as empty.`,
  })
  @ApiOkResponse({ description: 'The series.', type: StatsSeriesResponse })
  @ApiErrors({})
  async readable(
    @CurrentReader() reader: Reader,
    @Query() query: ReadableSeriesQuery,
  ): Promise<StatsSeriesResponse> {
    const range = rangeOf(query, new Date());
    const projectId = query.project_id as ProjectId | undefined;
    return toSeriesResponse(range, await this.series.read({ readableBy: reader, only: projectId }, range));
  }

  @Get('stripe/projects/:project_id/stats/series')
  @RequiresPermission('ledger:read')
  @ApiParam({
    name: 'project_id',
    description: "The project's id.",
    schema: { type: 'string', format: 'uuid' },
  })
  @ApiOperation({
    operationId: 'getProjectStatsSeries',
    summary: "Show a project's statistics over time",
    description: DESCRIPTION,
  })
  @ApiOkResponse({ description: 'The series.', type: StatsSeriesResponse })
  @ApiErrors({ project: true })
  async project(
    @CurrentProject() { id: projectId }: Project,
    @Query() query: SeriesQuery,
  ): Promise<StatsSeriesResponse> {
    const range = rangeOf(query, new Date());
    return toSeriesResponse(range, await this.series.read({ projectId }, range));
  }
}
