import { useSyncExternalStore } from 'react';
import { text } from '../text';
import { ApiError, toApiError } from './errors';
import { SERVER } from './place';

/** Lives in memory only. The refresh token is in a cookie that no script can read. */
interface Session {
  token: string;
  /** Milliseconds since 1970; a key has no end. */
  until: number;
  /** Whether the cookie can renew it. */
  renewable: boolean;
}

/** `undefined` until the cookie was tried. */
let session: Session | null | undefined;
/** Whether the server ended the session, while somebody may be in the middle of something. */
let isEnded = false;
const listeners = new Set<() => void>();
const otherTabs = new BroadcastChannel('tillkeeper-session');

otherTabs.addEventListener('message', ({ data }: MessageEvent<Session | null>) => {
  if (session === undefined || session === null || session.renewable) keep(data);
});

function keep(next: Session | null, { ended = false } = {}): void {
  session = next;
  isEnded = ended;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export type SessionState = 'unknown' | 'in' | 'out' | 'ended';

export function useSession(): SessionState {
  return useSyncExternalStore(subscribe, () =>
    session === undefined ? 'unknown' : session !== null ? 'in' : isEnded ? 'ended' : 'out',
  );
}

async function call(method: 'POST' | 'DELETE', path: string, body?: object): Promise<Response> {
  try {
    return await fetch(`${SERVER}/api/v1/session${path}`, {
      method,
      headers: body ? { 'content-type': 'application/json' } : {},
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw new ApiError(0, text.failed.offline);
  }
}

async function keepAnswer(response: Response): Promise<void> {
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw toApiError(response, body);
  const { access_token: token, expires_in } = body as { access_token: string; expires_in: number };
  keep({ token, until: Date.now() + expires_in * 1_000, renewable: true });
  otherTabs.postMessage(session);
}

export async function signIn(email: string, password: string): Promise<void> {
  await keepAnswer(await call('POST', '', { email, password }));
}

/** For machines, and for developers of another authorization server: kept until the page is closed. */
export function signInWithToken(token: string): void {
  keep({ token, until: Infinity, renewable: false });
}

export async function signOut(): Promise<void> {
  const renewable = session?.renewable ?? false;
  try {
    if (renewable) await call('DELETE', '');
  } finally {
    keep(null);
    if (renewable) otherTabs.postMessage(null);
  }
}

const SOON_MS = 30_000;
const isFresh = () => typeof session === 'object' && session !== null && session.until > Date.now() + SOON_MS;

/** Runs in one tab at a time: a refresh token that is used twice ends the session. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  // Without HTTPS browsers have no locks.
  return 'locks' in navigator ? navigator.locks.request('tillkeeper-session', work) : work();
}

/** The token for the next request, renewed if it ends soon; `null` if nobody is signed in. */
export async function accessToken(refused?: string): Promise<string | null> {
  const isUsable = () => isFresh() && session?.token !== refused;
  if (isUsable() || session === null) return session?.token ?? null;
  if (session && !session.renewable) {
    keep(null, { ended: true });
    return null;
  }
  return alone(async () => {
    if (isUsable()) return session?.token ?? null;
    const response = await call('POST', '/refresh');
    if (response.status === 401 || response.status === 403 || response.status === 404) {
      keep(null, { ended: session !== undefined });
      return null;
    }
    await keepAnswer(response);
    return session?.token ?? null;
  });
}

/** Whether a person is signed in, and not a service account with its key. */
export const isPerson = (): boolean => !session?.token.startsWith('tks_');

/** Claims of the token, which say whether its holder may be an operator. Nothing is trusted because of them. */
export function hasScopes(): boolean {
  try {
    const payload = session?.token.split('.')[1] ?? '';
    const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as object;
    return 'scope' in claims || 'scp' in claims;
  } catch {
    // A key of a service account, perhaps the operator's.
    return session?.token.startsWith('tks_') ?? false;
  }
}
