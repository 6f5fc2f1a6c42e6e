import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Buyer } from './buyer.js';

/** Injects the `Buyer` that `BuyerGuard` let through. */
export const CurrentBuyer = createParamDecorator((_: unknown, context: ExecutionContext): Buyer => {
  const { buyer } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!buyer) throw new Error('This route has no BuyerGuard.');
  return buyer;
});
