import { type CanActivate, Controller, type ExecutionContext, Get, Injectable } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiResponse, ApiSchema, ApiTags } from '@nestjs/swagger';
import { Public, Unlimited } from '../auth/route-access.js';
import { DatabaseNotifications } from '../database/notifications.js';
import { ErrorResponse } from '../http/openapi/api-errors.js';
import { ReadinessService } from './readiness.service.js';

@ApiSchema({ description: 'The process is alive.' })
class HealthResponse {
  @ApiProperty({ description: 'Always `ok`.', enum: ['ok'], example: 'ok' })
  status: 'ok';
}

@ApiSchema({ description: 'The process is ready.' })
class ReadyResponse extends HealthResponse {
  @ApiProperty({
    description:
      'Whether changes by other processes reach this process. While they are `lost`, the process bypasses its caches, and the log gives the reason.',
    enum: ['arriving', 'lost'],
    example: 'arriving',
  })
  change_notifications: 'arriving' | 'lost';
}

@ApiTags('Health')
@ApiResponse({ status: 400, description: 'The request is malformed.', type: ErrorResponse })
@ApiResponse({ status: 500, description: 'Something went wrong on our side.', type: ErrorResponse })
@Public()
@Unlimited()
@Controller('health')
export class HealthController {
  constructor(
    private readonly readiness: ReadinessService,
    private readonly notifications: DatabaseNotifications,
  ) {}

  @Get('live')
  @ApiOperation({
    operationId: 'getLiveness',
    summary: 'Check that the process is alive',
    description: 'Answers while the process runs, and checks nothing else.',
    security: [],
  })
  @ApiOkResponse({ description: 'Alive.', type: HealthResponse })
  live(): HealthResponse {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({
    operationId: 'getReadiness',
    summary: 'Check that the process is ready',
    description:
      'Answers 200 if the database is reachable and migrated, and 503 once the process is stopping.',
    security: [],
  })
  @ApiOkResponse({ description: 'Ready.', type: ReadyResponse })
  @ApiResponse({
    status: 503,
    description: 'Not ready. Try again after `Retry-After` seconds.',
    type: ErrorResponse,
  })
  async ready(): Promise<ReadyResponse> {
    await this.readiness.check();
    return { status: 'ok', change_notifications: this.notifications.areArriving ? 'arriving' : 'lost' };
  }
}

/** Refuses requests until the schema is migrated and the data keys are open. Health checks pass. */
@Injectable()
export class OpenGuard implements CanActivate {
  constructor(private readonly readiness: ReadinessService) {}

  canActivate(context: ExecutionContext): true | Promise<true> {
    if (this.readiness.isOpen || context.getClass() === HealthController) return true;
    return this.readiness.open().then(() => true);
  }
}
