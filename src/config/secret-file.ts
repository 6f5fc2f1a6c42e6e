import { randomBytes, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigurationError } from './environment.js';
import type { Parse } from './rules.js';

interface SecretFileOptions<T> {
  path: string;
  parse: Parse<T>;
  /** The problem to report for an unusable file. The operating system's message would show the path. */
  advice: string;
  /** Whether to create a missing file from 32 random bytes. */
  mayCreate: boolean;
}

/** A file of one or more secrets. Read once, since it may be a pipe, and never overwritten. */
export class SecretFile<T> {
  readonly problem: string | undefined;
  readonly secret: T | undefined;

  constructor(private readonly options: SecretFileOptions<T>) {
    try {
      this.secret = options.parse(readFileSync(options.path, 'utf8').trimEnd());
      if (this.secret === undefined) this.problem = options.advice;
    } catch (error) {
      if (!options.mayCreate || !hasCode(error, 'ENOENT')) this.problem = options.advice;
    }
  }

  get path(): string {
    return this.options.path;
  }

  /** Returns the secret, creating a missing file. Processes that start together share the first file. */
  open(): T {
    const { options } = this;
    const secret =
      this.secret ??
      (options.mayCreate && createOnce(options.path) ? new SecretFile(options).secret : undefined);
    if (secret === undefined) throw new ConfigurationError([options.advice]);
    return secret;
  }
}

/**
 * Writes a draft and links it, so that no other process reads an incomplete file.
 * @returns whether the file exists now
 */
function createOnce(path: string): boolean {
  const draft = `${path}.${randomUUID()}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, randomBytes(32).toString('base64'), { flag: 'wx', mode: 0o600, flush: true });
    linkSync(draft, path);
    return true;
  } catch (error) {
    return hasCode(error, 'EEXIST');
  } finally {
    rmSync(draft, { force: true });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
