import { Injectable, type OnModuleInit } from '@nestjs/common';
import { collectDefaultMetrics, Gauge } from 'prom-client';
import { PeriodicTasks } from '../database/periodic-tasks.js';
import { VERSION } from '../common/version.js';
import { Settings } from '../config/settings.js';
import { Database } from '../database/database.js';
import { DatabaseNotifications } from '../database/database-notifications.js';
import { MetricsRegistry } from './metrics-registry.js';

/**
 * What runs here and how it is: version, event loop, memory, garbage collection, the connections to PostgreSQL, the news from other processes
 * and the tasks that run again and again.
 */
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
      help: 'Whether changes made by other processes are announced to this one: 1, or 0 while it serves without its caches.',
      registers: [this.registry],
      collect() {
        this.set(notifications.areArriving ? 1 : 0);
      },
    });
    if (!database.connections()) return;
    new Gauge({
      name: 'tillkeeper_database_pool_size',
      help: 'The most connections that the pool opens.',
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
