import { Injectable, type Type } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-jwt';
import { Settings } from '../config/settings.js';
import { bearerToken } from './bearer-token.js';
import { EndUserTokens } from './end-user-tokens.js';
import { keySource } from './key-source.js';
import type { Verified } from './recent-tokens.js';
import { callerFrom } from './token-claims.js';
import { readTokenHeader } from './token-header.js';
import { type TokenRules, verifyToken } from './verify-token.js';

type RulesProvider = (request: FastifyRequest, token: string, done: (refusal: unknown, rules?: TokenRules) => void) => void;

/** Typed loosely because the published types don't know that the verifier can be replaced, nor that it gets what the provider gave. */
const OwnRulesStrategy: Type<Strategy> = Object.assign(Strategy, { JwtVerifier: verifyToken });

/** Tells who sent a bearer token. Each reason to refuse one is a DomainError. */
@Injectable()
export class JwtStrategy extends PassportStrategy(OwnRulesStrategy, 'jwt') {
  constructor(settings: Settings, endUserTokens: EndUserTokens) {
    const findRules = rulesFinder(settings, endUserTokens);
    super({
      jwtFromRequest: bearerToken,
      secretOrKeyProvider: ((_request, token, done) =>
        void findRules(token).then((rules) => done(null, rules), done)) satisfies RulesProvider,
    });
  }

  validate(verified: Verified): Verified {
    return verified;
  }
}

function rulesFinder({ accessTokens, developerScope }: Settings, endUserTokens: EndUserTokens): (token: string) => Promise<TokenRules> {
  const findKey = keySource(accessTokens);
  const { kind, issuer, audience } = accessTokens;
  const claimRules = { type: kind === 'hs256' ? 'access' : undefined, developerScope };
  const rules: Omit<TokenRules, 'keys'> = {
    algorithms: kind === 'hs256' ? ['HS256'] : ['RS256', 'ES256'],
    issuer,
    audience,
    callerOf: (claims) => callerFrom(claims, claimRules),
  };
  return async (token) => {
    const header = readTokenHeader(token);
    return (await endUserTokens.rulesFor(header)) ?? { ...rules, keys: await findKey(header) };
  };
}
