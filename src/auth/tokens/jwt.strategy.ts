import { Injectable, type Type } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-jwt';
import { Settings } from '../../config/settings.js';
import { EndUserTokens } from './end-user-tokens.js';
import type { Verified } from './recent-tokens.js';
import { keySource } from './verification-key.js';
import { callerFrom, readTokenHeader, type TokenRules, verifyToken } from './verify-token.js';

const BEARER = /^bearer +([^ ].*)$/i;

/**
 * Reads the bearer token from the Authorization header. Repeated headers are joined, which is never valid:
 * Node exposes only the first, and a proxy may check another.
 */
export function bearerToken({ raw }: FastifyRequest): string | null {
  const header = raw.rawHeaders
    .filter((_, index, headers) => headers[index - 1]?.toLowerCase() === 'authorization' && index % 2 === 1)
    .join(', ');
  return BEARER.exec(header)?.[1] ?? null;
}

type RulesProvider = (
  request: FastifyRequest,
  token: string,
  done: (refusal: unknown, rules?: TokenRules) => void,
) => void;

/** Loosely typed: passport-jwt's types lack the replaceable verifier and its arguments. */
const OwnRulesStrategy: Type<Strategy> = Object.assign(Strategy, { JwtVerifier: verifyToken });

/** Verifies a bearer token. Every refusal is a DomainError. */
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

function rulesFinder(
  { accessTokens, developerScope, operatorScope }: Settings,
  endUserTokens: EndUserTokens,
): (token: string) => Promise<TokenRules> {
  const findKey = keySource(accessTokens);
  const { kind, issuer, audience } = accessTokens;
  const claimRules = { type: kind === 'hs256' ? 'access' : undefined, developerScope, operatorScope };
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
