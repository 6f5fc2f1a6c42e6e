import { useSyncExternalStore } from 'react';
import styles from './content.module.css';

const SHOWN_MS = 5_000;

let toasts: readonly string[] = [];
const listeners = new Set<() => void>();

function set(next: readonly string[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/** Says what was done. Failures stay where they happened. */
export function toast(message: string): void {
  set([...toasts, message]);
  setTimeout(() => set(toasts.slice(1)), SHOWN_MS);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className={styles.toasts} role="status" aria-live="polite">
      {shown.map((message, index) => (
        <p key={`${index} ${message}`} className={styles.toast}>
          {message}
        </p>
      ))}
    </div>
  );
}
