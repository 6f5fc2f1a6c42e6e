import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  UseGuards,
} from '@nestjs/common';
import { ApiBearerAuth, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Stripe from 'stripe';
import { type EndUser, endUserOf } from '../../auth/caller.js';
import { ForEndUsers } from '../../auth/route-access.js';
import { Deadline } from '../../common/deadline.js';
import { ValidationFailed } from '../../common/errors.js';
import { QueryFlagPipe } from '../../http/validation/request.pipe.js';
import { GuardReadsQuery } from '../../http/validation/unknown-query.js';
import { EndUserGuard } from '../../projects/permissions/project.guards.js';
import { projectNotFound } from '../../projects/projects.service.js';
import type { ProjectMode } from '../stripe/stripe-mode.js';
import { StripeClients } from '../stripe-config/keys/stripe-clients.js';
import { type AnswerTime, timed } from '../stripe/stripe-connector.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import { stripeUnavailable } from '../stripe/stripe.errors.js';
import { withBuyersErrors } from './billing.errors.js';

/** Deadline of all calls to Stripe for one request, retries included. */
const BUDGET_MS = 12_000;
/** Options of one call. */
const OPTIONS = { timeout: 5_000, maxNetworkRetries: 1 };

/** Calls to Stripe for one request of an end user, under one deadline that starts with the first call. */
export class StripeCalls {
  #deadline: Deadline | undefined;

  constructor(private readonly stripe: Stripe) {}

  /** @throws errors of the SDK; DomainError `stripe_unavailable` once the deadline has passed */
  make<T>(call: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<T>): Promise<T> {
    this.#deadline ??= new Deadline(BUDGET_MS, tooSlow);
    return this.#deadline.run(() => call(this.stripe, OPTIONS));
  }
}

function tooSlow() {
  return stripeUnavailable('Stripe takes too long to answer; try again shortly.', undefined);
}

/** Takes the time from Stripe's `Date` header or, as in RFC 9110, from our clock if there is none. */
export async function timedAnswer<T>(
  call: () => Promise<Stripe.Response<T>>,
): Promise<{ answer: Stripe.Response<T>; time: AnswerTime }> {
  const from = new Date();
  const { answer, time = { from, until: new Date() } } = await timed(call);
  return { answer, time };
}

/**
 * Detects JSON that didn't come from Stripe, for example from a proxy.
 * @throws DomainError `stripe_unavailable`
 */
export function assertObject({ object }: { object?: string }, expected: string): void {
  if (object !== expected) throw malformedResponse();
}

export function malformedResponse(cause?: unknown) {
  return stripeUnavailable('Stripe gave an answer that makes no sense; try again shortly.', cause);
}

/** An end user in one mode of the token's project. */
export interface Buyer extends EndUser, ProjectMode {
  readonly stripe: StripeCalls;
  /** Fingerprint of the project's Stripe account. */
  readonly account: () => Promise<string>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `BuyerGuard`. */
    buyer?: Buyer;
  }
}

/** Declares `request.buyer` before the first request, so that all requests have the same shape. */
export function decorateWithBuyer(fastify: FastifyInstance): void {
  fastify.decorateRequest('buyer', undefined);
}

export const TEST_MODE = new QueryFlagPipe('test_mode', true);

/**
 * Requires a secret key in the requested mode: otherwise 404, before the body is read. Runs after
 * `EndUserGuard`.
 */
@Injectable()
class BuyerGuard implements CanActivate {
  constructor(private readonly clients: StripeClients) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context
      .switchToHttp()
      .getRequest<FastifyRequest<{ Querystring: { test_mode?: unknown } }>>();
    const endUser = endUserOf(request);
    if (!endUser) throw projectNotFound();
    const mode = modeOf(request.query);
    if (!mode) return true;
    const { stripe, account } = await withBuyersErrors(() => this.clients.connect(endUser.projectId, mode));
    request.buyer = { ...endUser, mode, stripe: new StripeCalls(stripe), account };
    return true;
  }
}

/** @returns `undefined` for an invalid flag, which `UnknownQueryInterceptor` reports with all other problems */
function modeOf({ test_mode: flag }: { test_mode?: unknown }): StripeMode | undefined {
  try {
    return TEST_MODE.transform(flag) ? 'test' : 'live';
  } catch (error) {
    if (error instanceof ValidationFailed) return undefined;
    throw error;
  }
}

/** Injects the `Buyer` that `BuyerGuard` let through. */
export const CurrentBuyer = createParamDecorator((_: unknown, context: ExecutionContext): Buyer => {
  const { buyer } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!buyer) throw new Error('This route has no BuyerGuard.');
  return buyer;
});

/** Declares a controller whose operations are for end users, in one mode of the token's project. */
export const ForBuyers = () =>
  applyDecorators(
    ForEndUsers(),
    GuardReadsQuery(TEST_MODE),
    UseGuards(EndUserGuard, BuyerGuard),
    ApiTags('Billing'),
    ApiBearerAuth('HTTPBearer'),
    ApiQuery({
      name: 'test_mode',
      description: "Whether in Stripe's test mode.",
      required: false,
      schema: { type: 'boolean', default: true },
    }),
  );
