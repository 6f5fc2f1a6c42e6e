import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { endUserOf } from '../../auth/caller.js';
import { QueryFlagPipe } from '../../http/fields.js';
import { projectNotFound } from '../../projects/projects.service.js';
import { StripeClients } from '../stripe-config/stripe-clients.js';
import { inBuyersWords } from './billing.errors.js';
import { StripeCalls } from './stripe-calls.js';

/** Which of Stripe's modes a buyer is in. */
export const TEST_MODE = new QueryFlagPipe('test_mode', true);

/** Lets an end user to the till of the token's project, if it has one in the mode that is asked for: 404 where not, before the body is looked at. Goes after `EndUserGuard`. */
@Injectable()
export class BuyerGuard implements CanActivate {
  constructor(private readonly clients: StripeClients) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<FastifyRequest<{ Querystring: { test_mode?: unknown } }>>();
    const endUser = endUserOf(request);
    if (!endUser) throw projectNotFound();
    const mode = TEST_MODE.transform(request.query.test_mode) ? 'test' : 'live';
    const { stripe, account } = await inBuyersWords(() => this.clients.connect(endUser.projectId, mode));
    request.buyer = { ...endUser, mode, stripe: new StripeCalls(stripe), account };
    return true;
  }
}
