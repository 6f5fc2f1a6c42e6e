import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isDatabaseUnavailable } from '../../database/database-errors.js';
import { ReceiverPathPipe } from './receiver-path.pipe.js';
import { WebhookSecrets } from './webhook-secrets.js';

/** Refuses a delivery that no secret could verify before its body is read: 422 for a wrong path, then 404. */
@Injectable()
export class ReceivingProjectGuard implements CanActivate {
  readonly #path = new ReceiverPathPipe();

  constructor(private readonly secrets: WebhookSecrets) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<FastifyRequest<{ Params: Record<'project_id' | 'mode', string> }>>();
    const { projectId, mode } = this.#path.transform(request.params);
    await this.secrets.find(projectId, mode).catch((error: unknown) => {
      // The receiver remembers deliveries that it cannot verify while the database is away, and needs their bodies.
      if (!isDatabaseUnavailable(error)) throw error;
    });
    return true;
  }
}
