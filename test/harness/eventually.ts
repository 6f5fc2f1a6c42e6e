import { setTimeout as wait } from 'node:timers/promises';

/** Tries until `attempt` no longer throws, for as long as a slow machine may need. @throws what the last attempt threw */
export async function eventually<T>(attempt: () => Promise<T>, limitMs = 20_000): Promise<T> {
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
