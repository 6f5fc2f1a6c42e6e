import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { turnEventLoop } from '../../common/deadline.js';
import { ValidationFailed } from '../../common/errors.js';
import { parseJson } from '../../http/bodies/json-body.js';
import { CommandFailed } from '../output.js';

/** A longer line is refused unread. The longest with six credentials and escapes has under 30 KB. */
const MAX_LINE_BYTES = 64 * 1024;
const JSON_BOUNDS = { depth: 2, members: 100 };
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const LINES_PER_TURN = 1_000;
/** Lines over which one record may spread, to be refused as one. An unclosed quotation mark takes no more of the file. */
const MAX_SPREAD = 10;

/** The values of a line by column, or why it can't be read. No sentence repeats anything of the line. */
export type LineContent =
  { readonly values: Readonly<Record<string, unknown>> } | { readonly problem: string };

export type NumberedLine = LineContent & {
  /** Counts from 1, the header included. */
  readonly line: number;
  /** The place of its end in the file. */
  readonly bytesRead: number;
};

export interface Columns {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/**
 * Reads CSV with a header (RFC 4180), or JSON Lines, which begin with a brace. A line is a record in both: no value
 * has a line break, so that a stray quotation mark spoils its own line only. A record whose value has one is
 * refused as a whole.
 * @throws CommandFailed if the header is wrong, or there is nothing to read
 */
export async function* readLines(
  input: AsyncIterable<Uint8Array>,
  columns: Columns,
): AsyncGenerator<NumberedLine> {
  let read: ((text: string) => LineContent) | undefined;
  let width: number | undefined;
  for await (const { bytes, ...place } of joinSpread(splitLines(input), () => width)) {
    if (place.line % LINES_PER_TURN === 0) await turnEventLoop();
    if (bytes === SPREAD) {
      yield { ...place, problem: HAS_LINE_BREAK };
      continue;
    }
    const problem = bytes ? problemOf(bytes) : `is longer than ${MAX_LINE_BYTES / 1024} KB`;
    if (!bytes || problem) {
      if (!read) throw new CommandFailed(`The first line ${problem}. ${formatOf(columns)}`);
      yield { ...place, problem: problem ?? '' };
      continue;
    }
    const text = bytes.toString();
    if (text.trim() === '') continue;
    if (read) yield { ...place, ...read(text) };
    else if (text.trimStart().startsWith('{')) {
      read = (json) => readJson(json, columns);
      yield { ...place, ...read(text) };
    } else {
      const names = readHeader(text, columns);
      width = names.length;
      read = (cells) => readCells(cells, names);
    }
  }
  // Also what a failed program before this one in a pipe leaves.
  if (!read) throw new CommandFailed(`There is nothing to import. ${formatOf(columns)}`);
}

interface RawLine {
  readonly line: number;
  readonly bytesRead: number;
  /** Without the line break. `undefined` for a line that is too long. */
  readonly bytes: Buffer | undefined;
}

/** Splits at line feeds. Keeps no more than one line in memory. */
async function* splitLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<RawLine> {
  let parts: Buffer[] = [];
  let length = 0;
  let line = 0;
  let bytesRead = 0;
  const take = (): RawLine => {
    const bytes = length > MAX_LINE_BYTES ? undefined : withoutEnds(Buffer.concat(parts), line === 0);
    parts = [];
    length = 0;
    line += 1;
    return { line, bytesRead, bytes };
  };
  for await (const chunk of input) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    while (start < buffer.length) {
      const found = buffer.indexOf(LINE_FEED, start);
      const end = found === -1 ? buffer.length : found;
      length += end - start;
      if (length <= MAX_LINE_BYTES) parts.push(buffer.subarray(start, end));
      else parts = [];
      bytesRead += end - start;
      start = end + 1;
      if (found === -1) break;
      bytesRead += 1;
      yield take();
    }
  }
  if (length > 0) yield take();
}

const SPREAD = Symbol('a record of several lines');
const HAS_LINE_BREAK = 'has a value with a line break, which no value may have';

type RecordLine = Omit<RawLine, 'bytes'> & { readonly bytes: Buffer | typeof SPREAD | undefined };

/**
 * Recognizes a record of CSV that a line break in quotation marks spreads over lines: its quotation marks match
 * once the lines are joined, and it has as many values as the header. A following line that is a record by
 * itself belongs to no other.
 * @param widthOf the number of columns, once CSV with a header is read
 */
async function* joinSpread(
  lines: AsyncIterable<RawLine>,
  widthOf: () => number | undefined,
): AsyncGenerator<RecordLine> {
  let held: (RawLine & { readonly bytes: Buffer })[] = [];
  for await (const line of lines) {
    const width = widthOf();
    const text =
      width === undefined || !line.bytes || problemOf(line.bytes) ? undefined : line.bytes.toString();
    if (held.length > 0 && text !== undefined && line.bytes && cellsOf(text)?.length !== width) {
      held.push({ ...line, bytes: line.bytes });
      const [{ line: first } = line] = held;
      const joined = held.map(({ bytes }) => bytes.toString()).join('\n');
      const cells = cellsOf(joined);
      if (cells?.length === width) {
        held = [];
        yield { line: first, bytesRead: line.bytesRead, bytes: SPREAD };
      } else if (held.length >= MAX_SPREAD || joined.length > MAX_LINE_BYTES || !isOpen(joined)) {
        yield* held;
        held = [];
      }
      continue;
    }
    yield* held;
    held = [];
    if (text !== undefined && line.bytes && isOpen(text)) held.push({ ...line, bytes: line.bytes });
    else yield line;
  }
  yield* held;
}

/** Whether a text ends inside of quotation marks. */
function isOpen(text: string): boolean {
  return text.includes('"') && cellsOf(text) === undefined && cellsOf(`${text}"`) !== undefined;
}

function withoutEnds(line: Buffer, isFirst: boolean): Buffer {
  const start = isFirst && line.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? 3 : 0;
  return line.subarray(start, line.at(-1) === CARRIAGE_RETURN ? -1 : undefined);
}

function problemOf(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return 'is not in UTF-8';
  return bytes.includes(0) ? 'has a NUL character' : undefined;
}

function readJson(text: string, columns: Columns): LineContent {
  let values: unknown;
  try {
    values = parseJson(Buffer.from(text), JSON_BOUNDS);
  } catch (error) {
    if (!(error instanceof ValidationFailed)) throw error;
    return { problem: 'is not JSON that can be read' };
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    return { problem: 'is not a JSON object' };
  const known = [...columns.required, ...columns.optional];
  if (Object.keys(values).some((name) => !known.includes(name)))
    return { problem: `has a member of an unknown name; known are ${known.join(', ')}` };
  return { values: { ...values } };
}

/** @throws CommandFailed. Never repeats an unknown name: in a file without a header, it is a value of the first line. */
function readHeader(text: string, columns: Columns): string[] {
  const names = cellsOf(text)?.map((name) => name.trim());
  const wrong = (problem: string) => new CommandFailed(`The first line ${problem}. ${formatOf(columns)}`);
  if (text.trimStart().startsWith('['))
    throw wrong('begins a JSON array: write each project as an object on a line of its own');
  if (!names) throw wrong('has quotation marks that do not match');
  const known = [...columns.required, ...columns.optional];
  const unknown = names.findIndex((name) => !known.includes(name));
  if (unknown !== -1) throw wrong(`has an unknown name in column ${unknown + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw wrong(`names the column ${twice} twice`);
  const missing = columns.required.filter((name) => !names.includes(name));
  if (missing.length > 0) throw wrong(`lacks ${missing.join(', ')}`);
  return names;
}

function formatOf({ required, optional }: Columns): string {
  return `The file is CSV in UTF-8, separated by commas, whose first line names the columns ${required.join(', ')} and any of ${optional.join(', ')}; or JSON Lines with these names.`;
}

function readCells(text: string, names: readonly string[]): LineContent {
  const cells = cellsOf(text);
  if (!cells)
    return {
      problem: 'has quotation marks that do not match; write one inside of quotation marks twice',
    };
  if (cells.length !== names.length)
    return { problem: `has ${cells.length} values, but the header names ${names.length} columns` };
  // An empty cell is an absent value.
  const filled = names.map((name, index) => [name, cells[index]]).filter(([, cell]) => cell !== '');
  return { values: Object.fromEntries(filled) as Record<string, string> };
}

/** @returns `undefined` if quotation marks don't match */
function cellsOf(text: string): string[] | undefined {
  try {
    const [cells = []] = parse(text, { relax_column_count: true, record_delimiter: '\n' });
    return cells;
  } catch {
    // The parser's message has a part of the line.
    return undefined;
  }
}
