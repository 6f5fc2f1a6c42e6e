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

/** The process can't start as it is configured. Each problem names its variable and what to do, and never repeats a value that was given. */
export class ConfigurationError extends Error {
  constructor(readonly problems: string[]) {
    super(['The configuration is not valid:', ...problems.map((problem) => `- ${problem}`)].join('\n'));
  }
}

/** Adds the variables of a `.env` file in the working folder, if there is one; what the environment already has wins. */
export function loadEnvFile(): void {
  const { error } = config({ quiet: true });
  if (error !== undefined && error.code !== 'ENOENT')
    throw new ConfigurationError(['.env must be a file that this process can read.']);
}

/** By the name of a secret: the variable that may name a file with it. */
const FILE_VARIABLES = new Map<string, VariableName>(
  VARIABLE_NAMES.flatMap((name) => {
    const { holds }: Variable<unknown> = VARIABLES[name];
    return holds === undefined ? [] : [[holds, name] as const];
  }),
);

/** The variables that this process was given, read by the rules of the table. */
export class Environment {
  /** Where NODE_ENV itself is wrong, the others are judged as in development, which asks for least. */
  readonly nodeEnv: NodeEnv;
  readonly #files = new Map<VariableName, SecretFile<string>>();

  constructor(private readonly given: NodeJS.ProcessEnv) {
    this.nodeEnv = this.optional('NODE_ENV') ?? 'development';
  }

  /** Whether there is a text, or a file that should have it. An empty variable counts as not set. */
  isSet(name: VariableName): boolean {
    return this.#isGiven(this.sourceOf(name));
  }

  /** The variable that the value comes from: the one of the file, where that is set. */
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

  /** @throws ConfigurationError when there is neither a valid text nor a default */
  required<Name extends VariableName>(name: Name): ValueOf<Name> {
    const value = this.optional(name);
    if (value === undefined) throw new ConfigurationError([this.#adviceOn(name)]);
    return value;
  }

  #isGiven(name: VariableName): boolean {
    return (this.given[name] ?? '') !== '';
  }

  #read(name: VariableName): string | undefined {
    const source = this.sourceOf(name);
    return source === name ? this.given[name] : this.#fileAt(source).secret;
  }

  /** Read once: it may be a pipe. */
  #fileAt(source: VariableName): SecretFile<string> {
    const path = resolve(this.given[source] ?? '');
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
