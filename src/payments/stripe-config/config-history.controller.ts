import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { AuditRepository } from '../../audit/audit.repository.js';
import { ApiErrors } from '../../http/openapi/api-errors.decorator.js';
import { offsetOf, PageQuery } from '../../http/page.query.js';
import { CurrentProject } from '../../projects/current-project.decorator.js';
import type { Project } from '../../projects/project.js';
import { RequiresPermission } from '../../projects/project-owner.guard.js';
import { HistoryListResponse, toHistoryEntryResponse } from './dto/config-history.response.js';

@ApiTags('Stripe configuration')
@ApiBearerAuth('HTTPBearer')
@ApiParam({ name: 'project_id', description: "The project's id.", schema: { type: 'string', format: 'uuid' } })
@RequiresPermission('owner')
@Controller('payments/stripe/projects/:project_id/config/history')
export class ConfigHistoryController {
  constructor(private readonly history: AuditRepository) {}

  @Get()
  @ApiOperation({
    operationId: 'listStripeConfigHistory',
    summary: 'List who changed what',
    description:
      'Every change of the credentials, the webhook endpoints and the project, and every validation, the newest first: who, when, from where. Nothing of it can be changed later without being found out.',
  })
  @ApiOkResponse({ description: 'One page of the history.', type: HistoryListResponse })
  @ApiErrors({ project: true })
  async list(@CurrentProject() { id }: Project, @Query() query: PageQuery): Promise<HistoryListResponse> {
    const { page, page_size } = query;
    const [entries, total] = await Promise.all([this.history.page(id, offsetOf(query), page_size), this.history.count(id)]);
    return { entries: entries.map(toHistoryEntryResponse), total, page, page_size };
  }
}
