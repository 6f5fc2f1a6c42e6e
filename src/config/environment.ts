import { isIPv6 } from 'node:net';
import { ConfigurationError } from './configuration-error.js';
import { isVariableName, type NodeEnv, type ValueOf, type Variable, type VariableName, VARIABLE_NAMES, VARIABLES } from './variables.js';

/** The variables that this process was given, read by the rules of the table. */
export class Environment {
  /** Where NODE_ENV itself is wrong, the others are judged as in development, which asks for least. */
  readonly nodeEnv: NodeEnv;

  constructor(private readonly given: NodeJS.ProcessEnv) {
    this.nodeEnv = this.optional('NODE_ENV') ?? 'development';
  }

  /** An empty variable counts as not set. */
  isSet(name: VariableName): boolean {
    return (this.given[name] ?? '') !== '';
  }

  problems(names: readonly VariableName[] = VARIABLE_NAMES): string[] {
    return names.flatMap((name) => {
      if (this.isSet(name)) return this.optional(name) === undefined ? `${name} must ${VARIABLES[name].must}.` : [];
      return this.isRequired(name) ? `${name} must be set in ${this.nodeEnv}: it must ${VARIABLES[name].must}.` : [];
    });
  }

  optional<Name extends VariableName>(name: Name): ValueOf<Name> | undefined {
    const variable: Variable<ValueOf<Name>> = VARIABLES[name];
    const text = this.isSet(name) ? this.given[name] : this.defaultOf(name);
    return text === undefined ? undefined : variable.parse(text);
  }

  /** @throws ConfigurationError when there is neither a valid text nor a default */
  required<Name extends VariableName>(name: Name): ValueOf<Name> {
    const value = this.optional(name);
    if (value === undefined) throw new ConfigurationError([`${name} must ${VARIABLES[name].must}.`]);
    return value;
  }

  private isRequired(name: VariableName): boolean {
    const fallback = VARIABLES[name].default;
    return typeof fallback === 'object' && fallback[this.nodeEnv] === undefined;
  }

  private defaultOf(name: VariableName): string | undefined {
    const fallback = VARIABLES[name].default;
    const text = typeof fallback === 'object' ? fallback[this.nodeEnv] : fallback;
    return text?.replace(/<(\w+)>/g, (reference, other: string) => (isVariableName(other) ? this.textOf(other) : reference));
  }

  private textOf(name: VariableName): string {
    const value: unknown = this.optional(name);
    const text = typeof value === 'number' ? value.toString() : typeof value === 'string' ? value : '';
    return isIPv6(text) ? `[${text}]` : text;
  }
}
