import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiResponse, ApiSchema, ApiTags } from '@nestjs/swagger';
import { Public, Unlimited } from '../auth/route-access.decorators.js';
import { ErrorResponse } from '../common/api-errors.decorator.js';
import { ReadinessService } from './readiness.service.js';

@ApiSchema({ description: 'The process is well.' })
class HealthResponse {
  @ApiProperty({ description: 'Always `ok`: what is not well is an error.', enum: ['ok'], example: 'ok' })
  status: 'ok';
}

@ApiTags('Health')
@ApiResponse({ status: 400, description: 'The request is malformed.', type: ErrorResponse })
@ApiResponse({ status: 500, description: 'Something went wrong on our side.', type: ErrorResponse })
@Public()
@Unlimited()
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: ReadinessService) {}

  @Get('live')
  @ApiOperation({
    operationId: 'getLiveness',
    summary: 'Is the process alive?',
    description: 'Answers as long as the process can; looks at nothing else.',
    security: [],
  })
  @ApiOkResponse({ description: 'Alive.', type: HealthResponse })
  live(): HealthResponse {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({
    operationId: 'getReadiness',
    summary: 'Can the process serve?',
    description: 'Yes once the database is reached and migrated, until the process is told to stop.',
    security: [],
  })
  @ApiOkResponse({ description: 'Ready.', type: HealthResponse })
  @ApiResponse({ status: 503, description: 'Not now; try again after `Retry-After` seconds.', type: ErrorResponse })
  async ready(): Promise<HealthResponse> {
    await this.readiness.check();
    return { status: 'ok' };
  }
}
