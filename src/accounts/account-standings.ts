import { Global, Injectable, Module } from '@nestjs/common';
import { type AccountStanding, AccountStandings } from '../auth/tokens/ended-sessions.js';
import { type OwnerId, parseUuid } from '../common/ids.js';
import { Database, query, type Steps } from '../database/database.js';
import { FIND_ADDRESS, FIND_STANDING, KEEP_ACCOUNT } from './account.statements.js';

@Injectable()
class StoredAccountStandings extends AccountStandings {
  constructor(private readonly database: Database) {
    super();
  }

  override async find(id: OwnerId, sessionId: string | null): Promise<AccountStanding | undefined> {
    const [row] = await this.database.query(FIND_STANDING, [id, sessionId]);
    return row;
  }

  override async addressOf(subject: OwnerId): Promise<string | undefined> {
    const id = parseUuid<OwnerId>(subject);
    const [row] = id === undefined ? [] : await this.database.query(FIND_ADDRESS, [id]);
    return row?.email;
  }

  override *isLockedOut(subject: OwnerId): Steps<boolean> {
    const id = parseUuid(subject);
    const [row] = id === undefined ? [] : yield* query(KEEP_ACCOUNT, [id]);
    return row?.isRevoked ?? false;
  }
}

/** Global, because `auth` asks for it and must not import `accounts`. */
@Global()
@Module({
  providers: [{ provide: AccountStandings, useClass: StoredAccountStandings }],
  exports: [AccountStandings],
})
export class AccountStandingsModule {}
