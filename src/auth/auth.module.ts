import { type ExecutionContext, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';
import { Settings } from '../config/settings.js';
import { AccessGuard } from './route-access.js';
import { DeveloperTokens } from './tokens/developer-tokens.js';
import { EndedSessions } from './tokens/ended-sessions.js';
import { EndUserTokens } from './tokens/end-user-tokens.js';
import { OpaqueKeys } from './opaque-keys/opaque-keys.js';
import { FixedWindowStorage, limitOf } from './rate-limit.js';
import { IdentifyCallerGuard } from './identify-caller.guard.js';
import { VerifiedEmails } from './tokens/verified-emails.js';
import { JwtStrategy } from './tokens/jwt.strategy.js';
import { RateLimitGuard } from './rate-limit.js';
import { ServiceAccountCallers } from './service-account-callers.js';

const MINUTE_MS = 60_000;

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>();

@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      inject: [Settings],
      useFactory: ({ rateLimitPerMinute: general }: Settings) => ({
        throttlers: [{ limit: (context) => limitOf(requestOf(context), general), ttl: MINUTE_MS }],
        skipIf: (context) => limitOf(requestOf(context), general) === 0,
        storage: new FixedWindowStorage(),
        setHeaders: false,
      }),
    }),
  ],
  providers: [
    JwtStrategy,
    EndUserTokens,
    DeveloperTokens,
    EndedSessions,
    OpaqueKeys,
    ServiceAccountCallers,
    VerifiedEmails,
    // Nest runs these guards in this order, before all others.
    { provide: APP_GUARD, useClass: IdentifyCallerGuard },
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [EndUserTokens, DeveloperTokens, EndedSessions, OpaqueKeys, ServiceAccountCallers, VerifiedEmails],
})
export class AuthModule {}
