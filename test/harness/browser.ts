import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Where Debian and others put it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-sync',
];

const executable = (process.env.PATH ?? '')
  .split(':')
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Runs a suite only where there is a browser, or has to be one. */
export function describeInBrowser(page: string, suite: () => void): void {
  const runs = executable !== undefined || process.env.CHROMIUM_REQUIRED !== undefined;
  if (!runs)
    process.stdout.write(`${page} is not tried in a browser: there is no ${NAMES.join(', ')} on the PATH.\n`);
  (runs ? describe : describe.skip)(`${page} in a browser`, suite);
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: executable, args: ARGUMENTS });
}
