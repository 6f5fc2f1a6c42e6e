import { setImmediate as immediate } from 'node:timers/promises';

/**
 * Lets the event loop go round once, so that signals and timers are noticed. Statements on SQLite are synchronous, and since Node 22 so
 * are imports: without this, a signal that came long ago is noticed only when all the work is done.
 */
export async function turnEventLoop(): Promise<void> {
  // The first ends within the current turn. The second ends after the next poll, where Node reads signals.
  await immediate();
  await immediate();
}

/** Checks `signal` after a turn of the event loop: the place between two pieces of work where a command can be interrupted. */
export async function throwIfInterrupted(signal: AbortSignal): Promise<void> {
  await turnEventLoop();
  signal.throwIfAborted();
}
