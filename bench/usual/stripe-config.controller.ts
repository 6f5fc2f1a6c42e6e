import { Body, Controller, Get, Param, ParseUUIDPipe, Put, Req, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { CurrentUser } from './jwt.strategy.js';
import { SaveStripeConfigDto, type StripeConfigDto } from './stripe-config.dto.js';
import { StripeConfigService } from './stripe-config.service.js';

interface AuthenticatedRequest {
  user: CurrentUser;
}

@Controller('payments/stripe/projects/:project_id/config')
@UseGuards(AuthGuard('jwt'))
export class StripeConfigController {
  constructor(private readonly configs: StripeConfigService) {}

  @Get()
  find(
    @Param('project_id', ParseUUIDPipe) projectId: string,
    @Req() { user }: AuthenticatedRequest,
  ): Promise<StripeConfigDto | null> {
    return this.configs.find(projectId, user.userId);
  }

  @Put()
  save(
    @Param('project_id', ParseUUIDPipe) projectId: string,
    @Req() { user }: AuthenticatedRequest,
    @Body() body: SaveStripeConfigDto,
  ): Promise<StripeConfigDto> {
    return this.configs.save(projectId, user.userId, body);
  }
}
