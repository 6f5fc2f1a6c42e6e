import { Injectable, type PipeTransform } from '@nestjs/common';
import { type Problem, ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { readProjectId } from '../../projects/project-owner.guard.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeModePipe } from '../stripe-config/stripe-mode.pipe.js';

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
