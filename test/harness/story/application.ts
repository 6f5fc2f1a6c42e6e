import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** The platform's own program, which receives events. */
export interface Application {
  readonly url: string;
  /** Verifies events with this secret from now on. */
  trust(secret: string): void;
  /** Waits for the next event. @returns what the application says about it */
  heard(): Promise<string>;
  stop(): void;
}

/** Starts the program, in the project's folder. */
export async function startApplication(): Promise<Application> {
  const program = spawn(process.execPath, ['scripts/demo-application.mjs'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const heard = async () => String((await lines.next()).value);
  return {
    url: await heard(),
    trust: (secret) => void program.stdin.write(`${secret}\n`),
    heard,
    stop: () => void program.kill(),
  };
}
