import { type ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { Actor } from '../common/actor.js';
import { missingToken } from './refusals.js';
import { CurrentActor } from './current-actor.decorator.js';

class Routes {
  read(@CurrentActor() actor: Actor): Actor {
    return actor;
  }
}

type Arguments = Record<string, { factory: (data: unknown, context: ExecutionContext) => Actor }>;

function actorOf(identity: unknown): Actor | undefined {
  const request = { id: 'request-1', ip: '192.0.2.7', headers: { 'user-agent': 'curl/8.5.0' }, identity };
  const context = { switchToHttp: () => ({ getRequest: () => request }) } as ExecutionContext;
  const [argument] = Object.values(Reflect.getMetadata(ROUTE_ARGS_METADATA, Routes, 'read') as Arguments);
  return argument?.factory(undefined, context);
}

it.each(['developer', 'end_user'])('gives a handler the %s who is calling, and from where', (kind) => {
  const facts = { ip: '192.0.2.7', userAgent: 'curl/8.5.0', requestId: 'request-1' };
  expect(actorOf({ kind, sub: 'somebody' })).toEqual({ kind: 'person', subject: 'somebody', ...facts });
});

it('is nobody on a route without a token', () => {
  expect(() => actorOf(missingToken())).toThrow('Only a route that asks for a token');
});
