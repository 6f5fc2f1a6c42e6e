import { open, readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { CommandFailed } from '../output.js';

type Bytes = AsyncIterable<Uint8Array>;

export interface Source {
  readonly bytes: Bytes;
  /** 0 if unknown. */
  readonly size: number;
  close(): void;
}

/** The first line of a file that age wrote (https://age-encryption.org/v1). */
const AGE_HEADER = Buffer.from('age-encryption.org/v1\n');
const AGE_ARMOR = Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----');

/**
 * Opens the file or the standard input, and decrypts what `export` wrote.
 * @param identity path of the file with the private key
 * @throws CommandFailed
 */
export async function openSource(file: string | undefined, identity: string | undefined): Promise<Source> {
  const source = await openFile(file);
  try {
    const { start, all } = await peek(source.bytes, AGE_ARMOR.length);
    assertForm(start, identity !== undefined);
    return { ...source, bytes: identity === undefined ? all : decrypt(all, identity) };
  } catch (error) {
    source.close();
    throw error;
  }
}

/** @param start of the file @throws CommandFailed */
function assertForm(start: Buffer, hasIdentity: boolean): void {
  const isEncrypted = start.subarray(0, AGE_HEADER.length).equals(AGE_HEADER);
  if (start.subarray(0, AGE_ARMOR.length).equals(AGE_ARMOR))
    throw new CommandFailed('The file is armored: encrypt it without --armor.');
  if (isEncrypted && !hasIdentity)
    throw new CommandFailed('The file is encrypted: name the file with its private key by --identity.');
  if (!isEncrypted && hasIdentity)
    throw new CommandFailed(
      'The file is not encrypted, so everybody who has it can read its secrets: leave --identity out to import it.',
    );
}

async function openFile(file: string | undefined): Promise<Source> {
  if (file === undefined || file === '-') {
    if (process.stdin.isTTY) throw new CommandFailed('Name a file, or pass its lines on the standard input.');
    return { bytes: process.stdin, size: 0, close: () => undefined };
  }
  try {
    const handle = await open(file);
    const stats = await handle.stat();
    if (!stats.isDirectory()) {
      const stream = handle.createReadStream();
      return { bytes: stream, size: stats.size, close: () => stream.destroy() };
    }
    await handle.close();
  } catch {
    // As below.
  }
  throw new CommandFailed('There is no such file, or this user may not read it.');
}

/** @returns the first `length` bytes, or fewer at the end, and all of them from the start */
async function peek(bytes: Bytes, length: number): Promise<{ start: Buffer; all: Bytes }> {
  const iterator = bytes[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < length) {
    const next = await iterator.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  const all = async function* () {
    if (start.length > 0) yield start;
    yield* { [Symbol.asyncIterator]: () => iterator };
  };
  return { start, all: all() };
}

/** Decrypts piece by piece. Each is authentic, and the end is missed if the file is cut off. */
async function* decrypt(bytes: Bytes, identity: string): AsyncGenerator<Uint8Array> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  for (const key of await readIdentities(identity)) {
    try {
      decrypter.addIdentity(key);
    } catch {
      throw new CommandFailed('The file of --identity has a damaged private key.');
    }
  }
  const encrypted = Readable.toWeb(Readable.from(bytes, { objectMode: false }));
  const decrypted = await decrypter.decrypt(encrypted as ReadableStream<Uint8Array>).catch(() => {
    throw new CommandFailed('The file is encrypted for another key than that of --identity, or damaged.');
  });
  try {
    yield* decrypted;
  } catch {
    throw new CommandFailed(
      'The encrypted file is damaged or cut off. What was read before that is imported: get the whole file, and run it again.',
    );
  }
}

/** @throws CommandFailed */
async function readIdentities(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CommandFailed('The file of --identity is missing, or this user may not read it.');
  });
  const keys = text.split(/\r?\n/).map((line) => line.trim());
  const identities = keys.filter((line) => /^AGE-SECRET-KEY-/.test(line));
  if (identities.length === 0)
    throw new CommandFailed(
      'The file of --identity has no private key of age, which begins with AGE-SECRET-KEY-. If a passphrase protects it, decrypt it with age first.',
    );
  return identities;
}
