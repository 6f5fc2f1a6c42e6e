import { config } from 'dotenv';
import { ConfigurationError } from './configuration-error.js';

/** Adds the variables of a `.env` file in the working folder, if there is one; what the environment already has wins. */
export function loadEnvFile(): void {
  const { error } = config({ quiet: true });
  if (error !== undefined && error.code !== 'ENOENT') throw new ConfigurationError(['.env must be a file that this process can read.']);
}
