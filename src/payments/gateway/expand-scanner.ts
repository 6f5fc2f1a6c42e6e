/** Longest parameter that is kept while it arrives in pieces. Names and expansions are far shorter. */
const MAX_PARAMETER = 8 * 1024;

/** `expand`, `expand[]`, `expand[0]`. Errs on the side of finding one, since servers read odd names differently. */
const EXPAND = /^[^a-z0-9_]*expand(?![a-z0-9_])/i;

export function isExpand(name: string): boolean {
  return EXPAND.test(name);
}

/** An expansion that nothing can be told about. */
export const UNREADABLE = '?';

/** Finds the expansions in form parameters that arrive in pieces: a query, or the body of a request. */
export class ExpandScanner {
  #rest = '';
  /** Whether the current parameter is too long to keep, and no expansion. */
  #isSkipping = false;

  /** @param onExpansion may throw */
  constructor(private readonly onExpansion: (expansion: string) => void) {}

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
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(parameter) ?? [];
    if (!isExpand(decode(name))) return;
    this.onExpansion(parameter.length > MAX_PARAMETER ? UNREADABLE : decode(value));
  }
}

function decode(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
