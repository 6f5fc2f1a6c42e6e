import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { Settings } from '../config/settings.js';
import { AccessGuard } from './route-access.js';
import { DeveloperTokens } from './tokens/developer-tokens.js';
import { EndedSessions } from './tokens/ended-sessions.js';
import { EndUserTokens } from './tokens/end-user-tokens.js';
import { OpaqueKeys } from './opaque-keys/opaque-keys.js';
import { FixedWindowStorage } from './rate-limit.js';
import { IdentifyCallerGuard } from './identify-caller.guard.js';
import { JwtStrategy } from './tokens/jwt.strategy.js';
import { RateLimitGuard } from './rate-limit.js';

const MINUTE_MS = 60_000;

@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      inject: [Settings],
      useFactory: ({ rateLimitPerMinute: limit }: Settings) => ({
        throttlers: [{ limit, ttl: MINUTE_MS }],
        skipIf: () => limit === 0,
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
    // Nest runs these guards in this order, before all others.
    { provide: APP_GUARD, useClass: IdentifyCallerGuard },
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [EndUserTokens, DeveloperTokens, EndedSessions, OpaqueKeys],
})
export class AuthModule {}
