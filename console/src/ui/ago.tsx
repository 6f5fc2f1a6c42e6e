import { useSyncExternalStore } from 'react';
import { ago, exactTime } from '../text/format';

/** One clock for all relative times of the page. */
let now = Date.now();
const listeners = new Set<() => void>();
setInterval(() => {
  if (document.hidden) return;
  now = Date.now();
  for (const listener of listeners) listener();
}, 10_000);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** For comparing with the present while rendering; at most ten seconds old. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** A relative time; the exact one is its tooltip. */
export function Ago({ at }: { at: string }) {
  const current = useNow();
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ago(at, current)}
    </time>
  );
}
