import { createHash, timingSafeEqual } from 'node:crypto';
import { Controller, Get, Headers, Injectable, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Registry } from 'prom-client';
import { invalidToken, missingToken } from '../auth/auth.errors.js';
import { Public } from '../auth/route-access.js';
import { DomainError } from '../common/errors.js';
import type { Secret } from '../common/secret.js';
import { Settings } from '../config/settings.js';

/** All metrics of this process. Labels contain no data of tenants. */
@Injectable()
export class MetricsRegistry extends Registry {
  /** `false` without a metrics token: nothing is counted. */
  readonly isOn: boolean;

  constructor({ metricsToken }: Settings) {
    super();
    this.isOn = metricsToken !== undefined;
  }
}

/** Serves the operator's Prometheus, which has a separate token. */
@ApiExcludeController()
@Public()
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly metrics: MetricsRegistry,
    private readonly settings: Settings,
  ) {}

  @Get()
  async read(
    @Headers('authorization') authorization: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { metricsToken } = this.settings;
    if (!metricsToken) throw new DomainError('route_not_found', 'There is nothing at this URL.');
    assertToken(metricsToken, authorization);
    void reply.type(this.metrics.contentType).send(await this.metrics.metrics());
  }
}

function assertToken(expected: Secret, authorization: string | undefined): void {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (given === undefined) throw missingToken();
  if (!timingSafeEqual(digest(given), digest(expected.reveal())))
    throw invalidToken('This is not the metrics token.');
}

/** Returns equal lengths, which `timingSafeEqual` requires. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
