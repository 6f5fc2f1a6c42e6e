import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { OwnerId } from '../../common/ids.js';
import { Settings } from '../../config/settings.js';
import { columnValues } from '../../database/columns.js';
import { Database } from '../../database/database.js';
import type { Caller } from '../caller.js';
import { VerifiedEmailEntity } from './verified-email.entity.js';
import { FIND, FORGET, KEEP } from './verified-emails.statements.js';

const MAX_KNOWN = 10_000;
/** An address is written once a day at most. */
const DAY_MS = 86_400_000;
const KEPT_MS = 365 * DAY_MS;

/** Addresses from the claims `email` and `email_verified` of developers' tokens, for mails about their projects. */
@Injectable()
export class VerifiedEmails {
  readonly #known = new LRUCache<OwnerId, string>({ max: MAX_KNOWN, ttl: DAY_MS });

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  /** Keeps the address of a token in the background, where mail is set up. */
  note(caller: Caller): void {
    if (caller.kind !== 'developer' || !caller.email || !this.settings.mail) return;
    const { sub: subject, email } = caller;
    if (this.#known.get(subject) === email) return;
    this.#known.set(subject, email);
    this.database
      .write(KEEP, columnValues(VerifiedEmailEntity, { subject, email, seenAt: new Date() }))
      // The next token tries again.
      .catch(() => this.#known.delete(subject));
  }

  async find(subject: OwnerId): Promise<string | undefined> {
    const [row] = await this.database.query(FIND, [subject]);
    return row?.email;
  }

  /** Deletes addresses that no token named for a year. */
  async forget(now: Date): Promise<void> {
    await this.database.write(FORGET, [new Date(now.getTime() - KEPT_MS)]);
  }
}
