/** Longest parameter that is kept while it arrives in pieces. Names and expansions are far shorter. */
const MAX_PARAMETER = 8 * 1024;

/**
 * Parameters that need permissions of their own: `expand`, `expand[]`, `expand[0]`, `file_link_data[create]`. Errs on
 * the side of finding one, since servers read odd names differently.
 */
const WATCHED = /^[^a-z0-9_]*(expand|file_link_data)(?![a-z0-9_])/i;

export type WatchedParameter = 'expand' | 'file_link_data';

/** Called with a parameter and its value, or with `undefined` if nothing can be told about a part. May throw. */
export type OnWatched = (parameter: WatchedParameter | undefined, value: string) => void;

export function watchedParameter(name: string): WatchedParameter | undefined {
  return WATCHED.exec(name)?.[1]?.toLowerCase() as WatchedParameter | undefined;
}

/** Finds the watched ones of form parameters that arrive in pieces: a query, or the body of a request. */
export class FormScanner {
  #rest = '';
  /** Whether the current parameter is too long to keep, and was inspected. */
  #isSkipping = false;

  constructor(private readonly onWatched: OnWatched) {}

  push(text: string): void {
    // Some servers separate parameters by semicolons too.
    const parts = text.split(/[&;]/);
    const last = parts.pop() ?? '';
    for (const part of parts) {
      this.#take(part);
      this.end();
    }
    this.#take(last);
  }

  end(): void {
    if (!this.#isSkipping) this.#inspect(this.#rest);
    this.#rest = '';
    this.#isSkipping = false;
  }

  #take(text: string): void {
    if (this.#isSkipping) return;
    this.#rest += text;
    if (this.#rest.length <= MAX_PARAMETER) return;
    this.#inspect(this.#rest);
    this.#rest = '';
    this.#isSkipping = true;
  }

  #inspect(parameter: string): void {
    const [, name = '', value = ''] = /^([^=]*)(?:=(.*))?$/s.exec(parameter) ?? [];
    if (name.length > MAX_PARAMETER) return this.onWatched(undefined, '');
    const watched = watchedParameter(decode(name));
    if (watched && parameter.length > MAX_PARAMETER) return this.onWatched(undefined, '');
    if (watched) this.onWatched(watched, decode(value));
  }
}

function decode(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
