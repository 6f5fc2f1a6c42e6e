import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Counter, Histogram } from 'prom-client';
import { MetricsRegistry } from './metrics-registry.js';

/** Requests by route and status, and how long they took. The route is a pattern: what a caller puts into a URL is in no metric. */
@Injectable()
export class RequestMetrics implements OnModuleInit {
  constructor(
    private readonly registry: MetricsRegistry,
    private readonly http: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    const registers = [this.registry];
    const requests = new Counter({
      name: 'tillkeeper_http_requests_total',
      help: 'Requests answered.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    const duration = new Histogram({
      name: 'tillkeeper_http_request_duration_seconds',
      help: 'From the request line to the end of the answer.',
      labelNames: ['method', 'route'],
      registers,
    });
    const fastify: FastifyInstance = this.http.httpAdapter.getInstance();
    fastify.addHook('onResponse', ({ method, routeOptions: { url: route = 'none' } }, { statusCode: status, elapsedTime }, done) => {
      requests.inc({ method, route, status });
      duration.observe({ method, route }, elapsedTime / 1000);
      done();
    });
  }
}
