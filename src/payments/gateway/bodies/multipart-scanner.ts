import { type OnWatched, type WatchedParameter, watchedParameter } from './form-scanner.js';

/** A content type that every server reads alike: one boundary, of plain characters, and no other parameter. */
const CONTENT_TYPE = /^multipart\/form-data; ?boundary=(?:"([\w'()+,./:=?-]{1,70})"|([\w'.+-]{1,70}))$/i;

/** Longest head of a part and longest value of a watched one. Both are far shorter. */
const MAX_LENGTH = 8 * 1024;

const HEADER = /^([\w-]+):[ \t]*((?![ \t])[^\r\n\0]*)$/;
/** Without escaped quotes, which servers read differently. */
const PARAMETER = /[ \t]*;[ \t]*([\w*]+)=(?:"((?:[^"\\]|\\(?!"))*)"|([^\s";\\]+))/y;
const PLAIN_NAME = /^[\w[\]. -]+$/;
const PARAMETERS = ['name', 'filename', 'filename*'];

/**
 * Finds the watched parameters in a body of `multipart/form-data` that arrives in pieces. Reports any part that
 * servers may read differently.
 */
export class MultipartScanner {
  readonly #delimiter: string;
  /** What the next text is part of. Text after something unreadable is ignored. */
  #place: 'content' | 'head' | WatchedParameter | 'epilogue' | 'unreadable' = 'content';
  #text = '';

  constructor(
    boundary: string,
    private readonly onWatched: OnWatched,
  ) {
    this.#delimiter = `--${boundary}`;
  }

  /** @param text with a character for each byte */
  push(text: string): void {
    this.#text += text;
    while (this.#advance());
  }

  end(): void {
    if (!['content', 'epilogue', 'unreadable'].includes(this.#place)) this.#giveUp();
  }

  /** @returns whether it went on to the next place */
  #advance(): boolean {
    switch (this.#place) {
      case 'content':
        return this.#skipContent();
      case 'head':
        return this.#readHead();
      case 'expand':
      case 'file_link_data':
        return this.#readValue(this.#place);
      case 'epilogue':
        return !'\r\n'.startsWith(this.#text) && this.#giveUp();
      case 'unreadable':
        this.#text = '';
        return false;
    }
  }

  #skipContent(): boolean {
    const start = this.#text.indexOf(this.#delimiter);
    // A delimiter may continue in the next piece.
    if (start < 0) this.#text = this.#text.slice(1 - this.#delimiter.length);
    else this.#continueAt(start + this.#delimiter.length, 'head');
    return start >= 0;
  }

  #readHead(): boolean {
    if (this.#text.length < 2) return false;
    if (this.#text.startsWith('--')) return this.#continueAt(2, 'epilogue');
    const length = this.#text.slice(0, MAX_LENGTH).indexOf('\r\n\r\n');
    if (length < 0) return this.#text.length > MAX_LENGTH && this.#giveUp();
    const part = partOf(this.#text.slice(0, length));
    if (!part) return this.#giveUp();
    return this.#continueAt(length + 2, part);
  }

  #readValue(parameter: WatchedParameter): boolean {
    const end = this.#text.slice(0, MAX_LENGTH).indexOf(this.#delimiter);
    if (end < 0) return this.#text.length > MAX_LENGTH && this.#giveUp();
    const [, value] = /^\r\n(.*)\r\n$/.exec(this.#text.slice(0, end)) ?? [];
    if (value === undefined) return this.#giveUp();
    this.onWatched(parameter, value);
    return this.#continueAt(end + this.#delimiter.length, 'head');
  }

  #continueAt(index: number, place: 'content' | 'head' | WatchedParameter | 'epilogue'): boolean {
    this.#text = this.#text.slice(index);
    this.#place = place;
    return true;
  }

  #giveUp(): boolean {
    this.#place = 'unreadable';
    this.onWatched(undefined, '');
    return true;
  }
}

/** @returns the boundary of a body of `multipart/form-data`; `undefined` if it is another, or can be misread */
export function boundaryOf(contentType: string): string | undefined {
  const [, quoted, plain] = CONTENT_TYPE.exec(contentType) ?? [];
  return quoted ?? plain;
}

/** @returns what the part has, or `undefined` if servers may read its head differently */
function partOf(head: string): 'content' | WatchedParameter | undefined {
  const [start, ...lines] = head.split('\r\n');
  const headers = lines.map((line) => HEADER.exec(line));
  const values = headers.map((header) => [header?.[1]?.toLowerCase(), header?.[2] ?? ''] as const);
  const dispositions = values.filter(([name]) => name === 'content-disposition');
  const [[, disposition] = ['', '']] = dispositions;
  if (start !== '' || headers.includes(null) || dispositions.length !== 1) return undefined;
  if (values.some(([name, value]) => name === 'content-type' && /^multipart/i.test(value))) return undefined;
  const name = nameIn(disposition);
  if (name === undefined) return undefined;
  const watched = watchedParameter(name);
  if (!watched) return 'content';
  // Another header may say how to decode the value.
  return headers.length === 1 ? watched : undefined;
}

function nameIn(disposition: string): string | undefined {
  const [start = ''] = /^form-data/i.exec(disposition) ?? [];
  const found = new Map<string, string>();
  PARAMETER.lastIndex = start.length;
  while (start && PARAMETER.lastIndex < disposition.length) {
    const [, parameter = '', quoted, plain = ''] = PARAMETER.exec(disposition) ?? [];
    const name = parameter.toLowerCase();
    if (!PARAMETERS.includes(name) || found.has(name)) return undefined;
    found.set(name, quoted ?? plain);
  }
  const name = found.get('name') ?? '';
  return PLAIN_NAME.test(name) ? name : undefined;
}
