import { type CanActivate, type ExecutionContext, Injectable, type PipeTransform } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Problem, ValidationFailed } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { readProjectId } from '../../../projects/project.guards.js';
import { type StripeMode, StripeModePipe } from '../../stripe/stripe-mode.js';
import { WebhookSecrets } from './delivery-verifier.js';

export interface ReceiverPath {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
}

/** Reads the path of a webhook URL: no guard has looked at it before. */
@Injectable()
export class ReceiverPathPipe implements PipeTransform<Record<'project_id' | 'mode', string>, ReceiverPath> {
  readonly #modes = new StripeModePipe();

  transform(path: Record<'project_id' | 'mode', string>): ReceiverPath {
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

/** Refuses a delivery that no secret could verify before its body is read: 422 for a wrong path, then 404. */
@Injectable()
export class ReceivingProjectGuard implements CanActivate {
  readonly #path = new ReceiverPathPipe();

  constructor(private readonly secrets: WebhookSecrets) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context
      .switchToHttp()
      .getRequest<FastifyRequest<{ Params: Record<'project_id' | 'mode', string> }>>();
    const { projectId, mode } = this.#path.transform(request.params);
    await this.secrets.find(projectId, mode).catch((error: unknown) => {
      // The receiver remembers deliveries that it cannot verify while the database is away, and needs their bodies.
      if (!isDatabaseUnavailable(error)) throw error;
    });
    return true;
  }
}
