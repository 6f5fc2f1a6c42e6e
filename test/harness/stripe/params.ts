import { badRequest } from './refusals.js';

type Entry = readonly [path: readonly string[], value: string];

/**
 * A form or query with brackets, as in Stripe's API: `items[0][price]=…`. Errors have the full name of the
 * parameter.
 */
export class Params {
  private constructor(
    private readonly entries: readonly Entry[],
    readonly within: string = '',
  ) {}

  static parse(encoded: string): Params {
    return new Params([...new URLSearchParams(encoded)].map(([name, value]) => [pathOf(name), value]));
  }

  fullName(name: string): string {
    return this.within ? `${this.within}[${name}]` : name;
  }

  has(name: string): boolean {
    return this.entries.some(([path]) => path[0] === name);
  }

  /** Reads the value of a name, or of one inside another: `payment[type]`. */
  text(name: string): string | undefined {
    const wanted = pathOf(name).join();
    return this.entries.find(([path]) => path.join() === wanted)?.[1];
  }

  /** A text, or `null` for the empty string with which Stripe's clients unset a field. */
  nullable(name: string): string | null {
    return this.text(name) || null;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined)
      throw badRequest(
        `Missing required param: ${this.fullName(name)}.`,
        this.fullName(name),
        'parameter_missing',
      );
    if (value !== '') return value;
    const full = this.fullName(name);
    throw badRequest(
      `You passed an empty string for '${full}'. We assume empty values are an attempt to unset a parameter; however '${full}' cannot be unset. You should remove '${full}' from your request or supply a non-empty value.`,
      full,
      'parameter_invalid_empty',
    );
  }

  integer(name: string, min = -Infinity, max = Infinity): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const refused = (why: string) => badRequest(why, this.fullName(name), 'parameter_invalid_integer');
    if (!/^-?\d+$/.test(value)) throw refused(`Invalid integer: ${value}`);
    if (Number(value) < min) throw refused(`This value must be greater than or equal to ${min}.`);
    if (Number(value) > max) throw refused(`This value must be less than or equal to ${max}.`);
    return Number(value);
  }

  flag(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === undefined || value === 'true' || value === 'false') return value && value === 'true';
    throw badRequest(`Invalid boolean: ${value}`, this.fullName(name));
  }

  choice<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.text(name);
    const found = values.find((one) => one === value);
    if (value !== undefined && !found)
      throw badRequest(
        `Invalid ${this.fullName(name)}: must be one of ${values.join(', ')}`,
        this.fullName(name),
      );
    return found;
  }

  url(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined || /^https?:\/\/[^\s/]/.test(value)) return value;
    throw badRequest('Not a valid URL', this.fullName(name), 'url_invalid');
  }

  /** `name[]=…` or `name[0]=…` */
  texts(name: string): string[] {
    return this.entries.filter(([path]) => path.length === 2 && path[0] === name).map(([, value]) => value);
  }

  /** The hash under a name. */
  at(name: string): Params {
    const inside = this.entries.filter(([path]) => path.length > 1 && path[0] === name);
    return new Params(
      inside.map(([path, value]) => [path.slice(1), value]),
      this.fullName(name),
    );
  }

  /** The array of hashes under a name. */
  each(name: string): Params[] {
    const inside = this.at(name);
    return inside.names().map((index) => inside.at(index));
  }

  names(): string[] {
    return [...new Set(this.entries.map(([[name = '']]) => name))];
  }

  /** Merges new metadata into the stored. An empty value removes its key, an empty `metadata` all keys. */
  metadata(current: Record<string, string> = {}): Record<string, string> {
    if (this.text('metadata') === '') return {};
    const sent = this.at('metadata');
    const merged = {
      ...current,
      ...Object.fromEntries(sent.names().map((name) => [name, sent.text(name) ?? ''])),
    };
    return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
  }

  accept(names: readonly string[]): void {
    const [unknown] = this.names().filter((name) => !names.includes(name));
    if (unknown !== undefined)
      throw badRequest(`Received unknown parameter: ${unknown}`, unknown, 'parameter_unknown');
  }
}

const pathOf = (name: string) => name.replaceAll(']', '').split('[');
