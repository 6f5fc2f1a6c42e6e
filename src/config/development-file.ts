import { join } from 'node:path';
import type { Environment } from './environment.js';
import { SecretFile } from './secret-file.js';
import { type ValueOf, type Variable, VARIABLES } from './variables.js';

/** A secret that development makes for itself in the data folder, where it isn't configured. */
export function developmentFile<Name extends 'MASTER_KEY' | 'AUTH_JWT_SECRET'>(
  env: Environment,
  file: string,
  instead: Name,
): SecretFile<ValueOf<Name>> | undefined {
  if (env.nodeEnv !== 'development') return undefined;
  const { must, parse }: Variable<ValueOf<Name>> = VARIABLES[instead];
  const advice = `DATA_DIR must be a folder that this process can read and write, and the text of its ${file} must ${must}: repair that, or set ${instead}.`;
  return new SecretFile({ path: join(env.required('DATA_DIR'), file), parse, advice, mayCreate: true });
}
