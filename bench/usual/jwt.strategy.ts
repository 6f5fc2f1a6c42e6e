import { Injectable, UnauthorizedException } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';

export interface CurrentUser {
  userId: string;
}

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      ignoreExpiration: false,
      secretOrKey: process.env.AUTH_JWT_SECRET ?? '',
      algorithms: ['HS256'],
    });
  }

  validate(payload: { sub?: string; exp?: number; type?: string }): CurrentUser {
    if (!payload.sub || !payload.exp || payload.type !== 'access') throw new UnauthorizedException();
    return { userId: payload.sub };
  }
}
