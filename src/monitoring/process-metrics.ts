import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Counter, Gauge, Histogram } from 'prom-client';
import { VERSION } from '../config/settings.js';
import { Settings } from '../config/settings.js';
import { Database } from '../database/database.js';
import { DatabaseNotifications } from '../database/notifications.js';
import { PeriodicTasks } from '../database/periodic-tasks.js';
import { MetricsRegistry } from './metrics.controller.js';

/** Reports version, event loop, memory, GC, PostgreSQL connections, notifications and periodic tasks. */
@Injectable()
export class ProcessMetrics implements OnModuleInit {
  constructor(
    private readonly registry: MetricsRegistry,
    private readonly database: Database,
    private readonly notifications: DatabaseNotifications,
    private readonly tasks: PeriodicTasks,
    private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    collectDefaultMetrics({ register: this.registry });
    const { database, notifications, tasks } = this;
    const { databasePoolSize } = this.settings;
    new Gauge({
      name: 'tillkeeper_build_info',
      help: 'Always 1: the labels are the version, that of Node.js, and the database engine.',
      labelNames: ['version', 'node', 'engine'],
      registers: [this.registry],
    }).set({ version: VERSION, node: process.version, engine: database.engine }, 1);
    new Gauge({
      name: 'tillkeeper_task_last_success_timestamp_seconds',
      help: 'When each periodic task of this process last succeeded; 0 before the first time.',
      labelNames: ['task'],
      registers: [this.registry],
      collect() {
        for (const [task, at] of tasks.lastSuccesses()) this.set({ task }, at / 1_000);
      },
    });
    new Gauge({
      name: 'tillkeeper_change_notifications_arriving',
      help: 'Whether changes by other processes reach this process: 1, or 0 while it bypasses its caches.',
      registers: [this.registry],
      collect() {
        this.set(notifications.areArriving ? 1 : 0);
      },
    });
    if (!database.connections()) return;
    new Gauge({
      name: 'tillkeeper_database_pool_size',
      help: 'Maximum number of connections of the pool.',
      registers: [this.registry],
    }).set(databasePoolSize);
    new Gauge({
      name: 'tillkeeper_database_connections',
      help: 'Connections of the pool, and queries that wait for one.',
      labelNames: ['state'],
      registers: [this.registry],
      collect() {
        for (const [state, count] of Object.entries(database.connections() ?? {})) this.set({ state }, count);
      },
    });
  }
}

interface CountedRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly milliseconds: number;
}

/** Counts and times requests by status and route pattern. A pattern contains no values of a URL. */
@Injectable()
export class RequestMetrics implements OnModuleInit {
  #count: ((request: CountedRequest) => void) | undefined;

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
    this.#count = ({ method, route, status, milliseconds }) => {
      requests.inc({ method, route, status });
      duration.observe({ method, route }, milliseconds / 1_000);
    };
    const fastify: FastifyInstance = this.http.httpAdapter.getInstance();
    fastify.addHook(
      'onResponse',
      ({ method, routeOptions: { url: route = 'none' } }, { statusCode: status, elapsedTime }, done) => {
        this.count({ method, route, status, milliseconds: elapsedTime });
        done();
      },
    );
  }

  /** Counts a request that Nest's Fastify did not answer. */
  count(request: CountedRequest): void {
    this.#count?.(request);
  }
}
