import { type CanActivate, type ExecutionContext, Injectable, type PipeTransform } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Problem, ValidationFailed } from '../../../common/errors.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { readProjectId } from '../../../projects/permissions/project.guards.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeModePipe } from '../../stripe/stripe-mode.js';
import { WebhookSecrets } from '../events/webhook-secrets.js';

/** Reads and validates the path of a webhook URL. */
@Injectable()
export class ReceiverPathPipe implements PipeTransform<Record<'project_id' | 'mode', string>, ProjectMode> {
  readonly #modes = new StripeModePipe();

  transform(path: Record<'project_id' | 'mode', string>): ProjectMode {
    const problems: Problem[] = [];
    const projectId = attempt(() => readProjectId(path.project_id), problems);
    const mode = attempt(() => this.#modes.transform(path.mode), problems);
    if (!projectId || !mode) throw new ValidationFailed(problems);
    return { projectId, mode };
  }
}

function attempt<T>(read: () => T, problems: Problem[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ValidationFailed)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/**
 * Refuses a delivery before its body is read: 422 for a malformed path, 404 if there is no secret to verify
 * it with.
 */
@Injectable()
export class ReceivingProjectGuard implements CanActivate {
  readonly #path = new ReceiverPathPipe();

  constructor(private readonly secrets: WebhookSecrets) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context
      .switchToHttp()
      .getRequest<FastifyRequest<{ Params: Record<'project_id' | 'mode', string> }>>();
    await this.secrets.find(this.#path.transform(request.params)).catch((error: unknown) => {
      // While the database is down, the receiver keeps deliveries to verify them later, so it needs their
      // bodies.
      if (!isDatabaseUnavailable(error)) throw error;
    });
    return true;
  }
}
