import type { Server } from 'node:http';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { ConfigurationError } from '../../config/environment.js';
import { Settings } from '../../config/settings.js';

/** The Fastify of the gateway. It listens while the application runs, if the gateway has its own port. */
@Injectable()
export class GatewayServer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #fastify: FastifyInstance | undefined;

  constructor(private readonly settings: Settings) {}

  /** Called before the start. */
  use(fastify: FastifyInstance): void {
    this.#fastify = fastify;
  }

  /** `undefined` without an own port. */
  get server(): Server | undefined {
    return this.settings.gateway.port === undefined ? undefined : this.#fastify?.server;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { gateway, host } = this.settings;
    await this.#fastify?.ready();
    if (gateway.port === undefined) return;
    try {
      await this.#fastify?.listen({ port: gateway.port, host });
    } catch (error) {
      // The explanation of a failed start would name PORT.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      throw new ConfigurationError([
        'Another process listens on STRIPE_GATEWAY_PORT: stop it, or choose another port.',
      ]);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#fastify?.close();
  }
}
