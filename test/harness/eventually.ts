import { setTimeout as wait } from 'node:timers/promises';

/** Retries until `attempt` succeeds, within the limit. @throws the error of the last attempt */
export async function eventually<T>(attempt: () => Promise<T>, limitMs = 50_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await wait(50);
    }
  }
}
