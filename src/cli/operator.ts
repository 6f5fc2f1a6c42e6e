import { hostname, userInfo } from 'node:os';
import { systemActor } from '../common/actor.js';

/** Whom the chain of the system names for what a command does: as the operating system says. No tenant reads it. */
export const OPERATOR = systemActor(`command line: ${account()}@${hostname()}`.slice(0, 255));

function account(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
