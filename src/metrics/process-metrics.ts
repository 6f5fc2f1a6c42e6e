import { Injectable, type OnModuleInit } from '@nestjs/common';
import { collectDefaultMetrics, Gauge } from 'prom-client';
import { Database } from '../database/database.js';
import { DatabaseNotifications } from '../database/database-notifications.js';
import { MetricsRegistry } from './metrics-registry.js';

/** How the process is: event loop, memory, garbage collection, the connections to PostgreSQL and the news from other processes. */
@Injectable()
export class ProcessMetrics implements OnModuleInit {
  constructor(
    private readonly registry: MetricsRegistry,
    private readonly database: Database,
    private readonly notifications: DatabaseNotifications,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    collectDefaultMetrics({ register: this.registry });
    const { database, notifications } = this;
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
