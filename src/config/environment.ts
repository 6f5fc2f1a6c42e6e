import { isIPv6 } from 'node:net';
import { join, resolve } from 'node:path';
import { config } from 'dotenv';
import { SecretFile } from './secret-file.js';
import {
  isVariableName,
  type NodeEnv,
  type ValueOf,
  type Variable,
  VARIABLE_NAMES,
  type VariableName,
  VARIABLES,
} from './variables.js';

/** Invalid settings. Each problem names a variable and a remedy, never a value. */
export class ConfigurationError extends Error {
  constructor(readonly problems: string[]) {
    super(['The configuration is not valid:', ...problems.map((problem) => `- ${problem}`)].join('\n'));
  }
}

/** Loads `.env` from the working folder. Variables of the environment take precedence. */
export function loadEnvFile(): void {
  const { error } = config({ quiet: true });
  if (error !== undefined && error.code !== 'ENOENT')
    throw new ConfigurationError(['.env must be a file that this process can read.']);
}

/** Maps each secret to the variable that names its file. */
const FILE_VARIABLES = new Map<string, VariableName>(
  VARIABLE_NAMES.flatMap((name) => {
    const { holds }: Variable<unknown> = VARIABLES[name];
    return holds === undefined ? [] : [[holds, name] as const];
  }),
);

/** Reads the process's variables by the rules in variables.ts. */
export class Environment {
  /** `development` if NODE_ENV is invalid, because development requires least of the other variables. */
  readonly nodeEnv: NodeEnv;
  readonly #given: NodeJS.ProcessEnv;
  readonly #files = new Map<VariableName, SecretFile<string>>();

  constructor(given: NodeJS.ProcessEnv) {
    this.#given = given;
    this.nodeEnv = this.optional('NODE_ENV') ?? 'development';
  }

  /** Whether the variable or its file variable is set. An empty variable counts as not set. */
  isSet(name: VariableName): boolean {
    return this.#isGiven(this.sourceOf(name));
  }

  /** @returns the file variable if it is set, else `name` */
  sourceOf(name: VariableName): VariableName {
    const file = FILE_VARIABLES.get(name);
    return file !== undefined && this.#isGiven(file) ? file : name;
  }

  problems(names: readonly VariableName[] = VARIABLE_NAMES): string[] {
    return names.flatMap((name) => {
      const source = this.sourceOf(name);
      const isTwice = source !== name && this.#isGiven(name);
      const twice = isTwice ? [`${name} must be left out when ${source} is set.`] : [];
      if (this.isSet(name))
        return this.optional(name) === undefined ? [...twice, this.#adviceOn(name)] : twice;
      return this.#isRequired(name)
        ? `${name} must be set in ${this.nodeEnv}: it must ${VARIABLES[name].must}.`
        : [];
    });
  }

  optional<Name extends VariableName>(name: Name): ValueOf<Name> | undefined {
    const variable: Variable<ValueOf<Name>> = VARIABLES[name];
    const text = this.isSet(name) ? this.#read(name) : this.#defaultOf(name);
    return text === undefined ? undefined : variable.parse(text);
  }

  /** @throws ConfigurationError without a valid text or a default */
  required<Name extends VariableName>(name: Name): ValueOf<Name> {
    const value = this.optional(name);
    if (value === undefined) throw new ConfigurationError([this.#adviceOn(name)]);
    return value;
  }

  #isGiven(name: VariableName): boolean {
    return (this.#given[name] ?? '') !== '';
  }

  #read(name: VariableName): string | undefined {
    const source = this.sourceOf(name);
    return source === name ? this.#given[name] : this.#fileAt(source).secret;
  }

  /** Reads the file once, because it may be a pipe. */
  #fileAt(source: VariableName): SecretFile<string> {
    const path = resolve(this.#given[source] ?? '');
    const file =
      this.#files.get(source) ??
      new SecretFile({ path, parse: (text) => text, advice: source, mayCreate: false });
    this.#files.set(source, file);
    return file;
  }

  #adviceOn(name: VariableName): string {
    const source = this.sourceOf(name);
    const { must } = VARIABLES[name];
    return source === name
      ? `${name} must ${must}.`
      : `${source} must ${VARIABLES[source].must}, and the text in it must ${must}.`;
  }

  #isRequired(name: VariableName): boolean {
    const fallback = VARIABLES[name].default;
    return typeof fallback === 'object' && fallback[this.nodeEnv] === undefined;
  }

  #defaultOf(name: VariableName): string | undefined {
    const fallback = VARIABLES[name].default;
    const text = typeof fallback === 'object' ? fallback[this.nodeEnv] : fallback;
    return text?.replace(/<(\w+)>/g, (reference, other: string) =>
      isVariableName(other) ? this.#textOf(other) : reference,
    );
  }

  #textOf(name: VariableName): string {
    const value: unknown = this.optional(name);
    const text = typeof value === 'number' ? value.toString() : typeof value === 'string' ? value : '';
    return isIPv6(text) ? `[${text}]` : text;
  }
}

/** Returns the file of a secret that development generates in the data folder, unless it is configured. */
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
