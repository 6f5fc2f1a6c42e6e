import { Injectable } from '@nestjs/common';
import { argon2id, hash, needsRehash, verify } from 'argon2';
import type { Secret } from '../common/secret.js';
import { Turnstile } from './turnstile.js';

/** OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

/** Of the four threads that Node has for such work, files and name lookups too; and how many may wait for one. */
const AT_ONCE = 2;
const IN_LINE = 64;

/** Of random bytes that nobody kept, at the same cost: a login without an account takes as long as one with a wrong password. */
const NOBODYS = '$argon2id$v=19$m=19456,p=1,t=2$oVlI+KrnsOGgZ72x6fmFjA$aK79C3QLQyxwhyGwJcXTn139pGRDdTbwwkpqIYJo5Zg';

/** Hashes passwords (argon2id) and checks them, so many at a time that everything else goes on. */
@Injectable()
export class Passwords {
  readonly #turnstile = new Turnstile(AT_ONCE, IN_LINE);

  /** @returns PHC text, with its cost and salt. @throws DomainError `too_busy` */
  hash(password: Secret): Promise<string> {
    return this.#turnstile.pass(() => hash(bytesOf(password), { type: argon2id, ...COST }));
  }

  /** @param stored of no account: `undefined`; the answer is no, after the same time. @throws DomainError `too_busy` */
  async matches(stored: string | undefined, password: Secret): Promise<boolean> {
    const isRight = await this.#turnstile.pass(() => verify(stored ?? NOBODYS, bytesOf(password)));
    return isRight && stored !== undefined;
  }

  /** Whether the hash is of another cost than new ones. */
  isOutdated(stored: string): boolean {
    return needsRehash(stored, COST);
  }
}

/** Keyboards differ in how they compose an accented letter; RFC 8265 has passwords compared in one form, NFC. */
function bytesOf(password: Secret): Buffer {
  return Buffer.from(password.reveal().normalize('NFC'));
}
