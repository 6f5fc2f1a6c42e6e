import { join } from 'node:path';
import type { Installation } from './installation.js';
import type { Environment, ServerProcess } from './server-process.js';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Starts `tillkeeper …` of the installation in a process of its own. */
export function startCommand(installation: Installation, environment: Environment, ...args: string[]): ServerProcess {
  return installation.start(environment, [process.execPath, join(installation.folder, 'dist/cli/main.js'), ...args]);
}

/** The same, to its end. */
export async function runCommand(installation: Installation, environment: Environment, ...args: string[]): Promise<Ended> {
  const command = startCommand(installation, environment, ...args);
  const { code } = await command.ended;
  return { code, output: command.output, errors: command.errors };
}
