import { Injectable, type OnModuleInit } from '@nestjs/common';
import { collectDefaultMetrics, Gauge } from 'prom-client';
import { Database } from '../database/database.js';
import { MetricsRegistry } from './metrics-registry.js';

/** How the process is: event loop, memory, garbage collection, and the connections to PostgreSQL. */
@Injectable()
export class ProcessMetrics implements OnModuleInit {
  constructor(
    private readonly registry: MetricsRegistry,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    collectDefaultMetrics({ register: this.registry });
    const { database } = this;
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
