import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { ApiErrors, ErrorResponse } from '../../../http/openapi/api-errors.js';
import { readPastTime } from '../../../common/typed-text.js';
import { CurrentProject, RequiresPermission } from '../../../projects/permissions/project.guards.js';
import type { Project } from '../../../projects/project.entity.js';
import { ReconcileRequest, ReconcileResponse, toReconcileResponse } from './reconcile.dto.js';
import { ReconcileService } from './reconcile.service.js';

/** Limits one request. The client sends it again until the report is complete. */
const BUDGET_MS = 20_000;

@ApiTags('Webhooks')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('events:reconcile')
@Controller('payments/stripe/projects/:project_id/reconcile')
export class ReconcileController {
  constructor(private readonly reconciler: ReconcileService) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'reconcileWithStripe',
    summary: 'Catch up on missed events',
    description:
      "Reads Stripe's list of events and applies missing ones. Then compares every subscription with Stripe's, and repairs differences. A request stops after 20 seconds: send the same request again.",
  })
  @ApiOkResponse({
    description: 'The report of the reconciliation.',
    type: ReconcileResponse,
  })
  @ApiConflictResponse({
    description: 'Stripe does not accept the stored key, or it lacks a permission.',
    type: ErrorResponse,
  })
  @ApiErrors({ project: true, body: true })
  async reconcile(
    @CurrentProject() { id }: Project,
    @Body() { mode, since }: ReconcileRequest,
  ): Promise<ReconcileResponse> {
    const options = { since: readPastTime(since), signal: AbortSignal.timeout(BUDGET_MS) };
    return toReconcileResponse(await this.reconciler.reconcile({ projectId: id, mode }, options));
  }
}
