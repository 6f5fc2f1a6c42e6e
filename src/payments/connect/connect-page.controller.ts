import { Controller, Get, HttpStatus, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../../auth/route-access.js';
import { DomainError } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';
import { pagePolicy, readPage } from '../../http/pages.js';
import { ConnectLinksRepository, isOpen } from './connect-links.repository.js';

/**
 * Serves the page of each link. Opening it changes nothing, because scanners of mails open links. A page of a
 * link that ended says so.
 */
@ApiExcludeController()
@Public()
@Controller('connect')
export class ConnectPageController {
  readonly #page: string | undefined;

  constructor(
    private readonly links: ConnectLinksRepository,
    settings: Settings,
  ) {
    this.#page = readPage(settings, 'connect');
  }

  @Get(':token')
  async page(@Param('token') token: string, @Res() reply: FastifyReply): Promise<void> {
    if (this.#page === undefined) throw new DomainError('route_not_found', 'There is nothing at this URL.');
    const link = await this.links.find(token);
    const status = !link ? HttpStatus.NOT_FOUND : isOpen(link) ? HttpStatus.OK : HttpStatus.GONE;
    void reply
      .status(status)
      .header('content-security-policy', pagePolicy(link?.embedOrigin ?? undefined))
      .type('text/html; charset=utf-8')
      .send(this.#page);
  }
}
