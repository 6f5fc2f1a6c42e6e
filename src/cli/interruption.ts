import { EXIT_CODES } from './exit-codes.js';

/** Milliseconds that a command gets to finish its piece of work after the first signal. */
const GRACE_MS = 8_000;

const controller = new AbortController();

/** Aborted when the user interrupts. */
export const interruption = controller.signal;

/** From now on: a command stops between two pieces of work. A second signal ends it at once, which is as safe as a crash. */
export function listenForSignals(): void {
  const onSignal = (): void => {
    if (interruption.aborted) process.exit(EXIT_CODES.interrupted);
    controller.abort();
    setTimeout(() => process.exit(EXIT_CODES.interrupted), GRACE_MS).unref();
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal);
}
