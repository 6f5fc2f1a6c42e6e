import { Injectable, type Type } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import type { JwtPayload } from 'jsonwebtoken';
import type { KeyObject } from 'node:crypto';
import { Strategy } from 'passport-jwt';
import { Settings } from '../config/settings.js';
import { bearerToken } from './bearer-token.js';
import type { Caller } from './caller.js';
import { keySource } from './key-source.js';
import { callerFrom } from './token-claims.js';
import { verifyToken } from './verify-token.js';

type KeyProvider = (request: FastifyRequest, token: string, done: (refusal: unknown, key?: KeyObject) => void) => void;

/** Typed loosely because the published types know neither that a key may be a KeyObject, nor that the verifier can be replaced. */
const KeyObjectStrategy: Type<Strategy> = Object.assign(Strategy, { JwtVerifier: verifyToken });

/** Tells who sent a bearer token. Each reason to refuse one is a DomainError. */
@Injectable()
export class JwtStrategy extends PassportStrategy(KeyObjectStrategy, 'jwt') {
  constructor(private readonly settings: Settings) {
    const { accessTokens } = settings;
    const findKey = keySource(accessTokens);
    super({
      jwtFromRequest: bearerToken,
      secretOrKeyProvider: ((_request, token, done) => void findKey(token).then((key) => done(null, key), done)) satisfies KeyProvider,
      algorithms: accessTokens.kind === 'hs256' ? ['HS256'] : ['RS256', 'ES256'],
      issuer: accessTokens.issuer,
      audience: accessTokens.audience,
    });
  }

  validate(claims: JwtPayload): Caller {
    const { accessTokens, developerScope } = this.settings;
    return callerFrom(claims, { type: accessTokens.kind === 'hs256' ? 'access' : undefined, developerScope });
  }
}
