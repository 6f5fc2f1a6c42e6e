import { randomUUID } from 'node:crypto';
import type { TestApp } from './test-app.js';

export const PASSWORD = 'correct horse battery staple';

export interface Tokens {
  access_token: string;
  refresh_token: string;
}

export interface Registered extends Tokens {
  id: string;
  email: string;
}

export const newEmail = (): string => `${randomUUID()}@example.com`;

/** Requests of accounts at one server. */
export function accountsOf(app: TestApp) {
  const post = (operation: string, body: object, token: string | null = null) =>
    app.send('post', `/api/v1/auth/${operation}`, token).send(body);
  return {
    post,
    register: async (email = newEmail(), password = PASSWORD) =>
      (await post('register', { email, password }).expect(201)).body as Registered,
    logIn: async (email: string, password = PASSWORD) =>
      (await post('login', { email, password }).expect(200)).body as Tokens,
    refresh: (token: string) => post('refresh', { refresh_token: token }),
    me: (token: string) => app.send('get', '/api/v1/auth/me', token),
  };
}
