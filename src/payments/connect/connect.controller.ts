import { Body, Controller, Get, HttpCode, HttpStatus, Post, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../../auth/route-access.js';
import type { Actor } from '../../common/actor.js';
import { Settings } from '../../config/settings.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import {
  ConnectCompletionResponse,
  ConnectKeyRequest,
  ConnectPageResponse,
  ConnectVerdictResponse,
  toConnectCompletionResponse,
  toConnectPageResponse,
  toConnectVerdictResponse,
} from './connect.dto.js';
import { ConnectLinkGuard, CurrentConnectLink, CurrentTenant } from './connect-link.guard.js';
import type { FoundLink } from './connect-links.repository.js';
import { ConnectService } from './connect.service.js';

const MEANING = {
  401: 'There is no token of a link.',
  404: 'There is no such link.',
  410: 'The link was used, revoked, or has expired.',
  429: 'Too many requests; try again after `Retry-After` seconds.',
};

/** Serves the page of a link. Its token, sent as a bearer token, is all that the tenant needs. */
@ApiTags('Connect')
@Public()
@UseGuards(ConnectLinkGuard)
@Controller('connect')
export class ConnectController {
  constructor(
    private readonly connecting: ConnectService,
    private readonly settings: Settings,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'getConnectPage',
    summary: 'Read what a link is about',
    description: "Send the link's token as `Authorization: Bearer tkc_…`.",
    security: [],
  })
  @ApiOkResponse({ description: 'What the page shows.', type: ConnectPageResponse })
  @ApiErrors({ isPublic: true, meaning: MEANING })
  page(@CurrentConnectLink() link: FoundLink): ConnectPageResponse {
    return toConnectPageResponse(link, this.settings);
  }

  @Post('check')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'checkConnectKey',
    summary: "Ask Stripe about the tenant's key",
    description: "Stores nothing. Send the link's token as `Authorization: Bearer tkc_…`.",
    security: [],
  })
  @ApiOkResponse({ description: 'The verdict.', type: ConnectVerdictResponse })
  @ApiErrors({ isPublic: true, body: true, meaning: MEANING })
  async check(
    @CurrentConnectLink() link: FoundLink,
    @Body() { secret_key: key }: ConnectKeyRequest,
    @CurrentTenant() tenant: Actor,
  ): Promise<ConnectVerdictResponse> {
    return toConnectVerdictResponse(await this.connecting.check(link, key, tenant));
  }

  @Post('complete')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'completeConnectLink',
    summary: "Store the tenant's key",
    description:
      "Checks the key, stores it, uses the link up, and makes the webhook endpoint. Send the link's token as `Authorization: Bearer tkc_…`.",
    security: [],
  })
  @ApiOkResponse({ description: 'The key is stored.', type: ConnectCompletionResponse })
  @ApiErrors({ isPublic: true, body: true, meaning: MEANING })
  async complete(
    @CurrentConnectLink() link: FoundLink,
    @Body() { secret_key: key }: ConnectKeyRequest,
    @CurrentTenant() tenant: Actor,
  ): Promise<ConnectCompletionResponse> {
    return toConnectCompletionResponse(await this.connecting.complete(link, key, tenant));
  }
}
