import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { ReadinessService } from './readiness.service.js';

/** Lets no request to a handler before the schema is there and the data keys are open. */
@Injectable()
export class OpenGuard implements CanActivate {
  constructor(private readonly readiness: ReadinessService) {}

  canActivate(context: ExecutionContext): true | Promise<true> {
    if (this.readiness.isOpen || context.getClass() === HealthController) return true;
    return this.readiness.open().then(() => true);
  }
}
