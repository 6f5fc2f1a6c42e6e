import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, In, IsNull, type Repository } from 'typeorm';
import type { ServiceAccount } from '../../auth/caller.js';
import { OpaqueKeyEntity } from '../../auth/opaque-keys/opaque-key.entity.js';
import type { KeyRotation } from '../../auth/opaque-keys/opaque-key.dto.js';
import { factsOf, type KeyFacts, OpaqueKeys } from '../../auth/opaque-keys/opaque-keys.js';
import type { Actor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { columnValues, type RowOf } from '../../database/columns.js';
import { reachingDatabase } from '../../database/database-errors.js';
import { Database, exec, query, type Steps } from '../../database/database.js';
import {
  type HistoryDetails,
  type HistoryField,
  type ProjectAction,
  SYSTEM_CHAIN,
} from '../../history/history-entry.js';
import { HistoryTrail } from '../../history/history-trail.js';
import { FIND_LIVE } from '../project.statements.js';
import { projectNotFound } from '../projects.service.js';
import { ServiceAccountEntity } from './service-account.entity.js';
import {
  ADD,
  COUNT,
  DELETE,
  DELETE_OF_PROJECT,
  FIND,
  FIND_CALLER,
  UPDATE,
} from './service-accounts.statements.js';

type AccountRow = RowOf<ServiceAccountEntity>;

const KIND = 'service_account';
/** Maximum number of accounts of one project, and of the operator, since the list has no pages. */
const MOST_ACCOUNTS = 100;

/** `null` stands for the operator, whose accounts belong to no project. */
export type Holder = ProjectId | null;

export type NewServiceAccount = Pick<AccountRow, 'name' | 'role' | 'requestsPerMinute'> & {
  readonly expiresAt: Date | null;
  readonly networks: readonly string[];
};

/** An account with the facts of its keys. */
export type ListedAccount = AccountRow & KeyFacts;

/** An account, and its key, which is shown this once. */
export interface AccountWithKey {
  readonly account: ListedAccount;
  readonly key: string;
}

/** What to change. Absent values stay. */
export type AccountChanges = Partial<Pick<NewServiceAccount, 'name' | 'networks' | 'requestsPerMinute'>>;

/** Stores service accounts with their keys. Each change is in the history, of the project or of the installation. */
@Injectable()
export class ServiceAccountsRepository {
  readonly #accounts: Repository<ServiceAccountEntity>;
  readonly #keys: Repository<OpaqueKeyEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly keys: OpaqueKeys,
  ) {
    this.#accounts = dataSource.getRepository(ServiceAccountEntity);
    this.#keys = dataSource.getRepository(OpaqueKeyEntity);
  }

  async findCaller(id: string): Promise<ServiceAccount | undefined> {
    const [row] = await this.database.query(FIND_CALLER, [id]);
    if (!row) return undefined;
    const { name, role, projectId, requestsPerMinute } = row;
    return { kind: 'service_account', id, name, role, projectId, requestsPerMinute };
  }

  /** The oldest first. */
  async list(holder: Holder): Promise<ListedAccount[]> {
    const accounts = await reachingDatabase(
      this.#accounts.find({
        where: { projectId: holder ?? IsNull() },
        order: { createdAt: 'ASC', id: 'ASC' },
      }),
    );
    return this.#withKeys(accounts);
  }

  async find(id: string): Promise<ListedAccount | undefined> {
    const account = await reachingDatabase(this.#accounts.findOneBy({ id }));
    return account ? (await this.#withKeys([account]))[0] : undefined;
  }

  /** @throws DomainError `project_not_found`, `too_many_service_accounts` */
  add(holder: Holder, account: NewServiceAccount, actor: Actor): Promise<AccountWithKey> {
    return this.database.transaction(() => this.#add(holder, account, actor));
  }

  /** @throws DomainError `service_account_not_found` */
  update(holder: Holder, id: string, changes: AccountChanges, actor: Actor): Promise<ListedAccount> {
    return this.database.transaction(() => this.#update(holder, id, changes, actor));
  }

  /** @throws DomainError `service_account_not_found`, `service_account_expired` */
  rotate(holder: Holder, id: string, rotation: KeyRotation, actor: Actor): Promise<AccountWithKey> {
    return this.database.transaction(() => this.#rotate(holder, id, rotation, actor));
  }

  /** Deletes the account with its keys. @throws DomainError `service_account_not_found` */
  revoke(holder: Holder, id: string, actor: Actor): Promise<void> {
    return this.database.transaction(() => this.#revoke(holder, id, actor));
  }

  /** Runs inside the transaction that deletes the project. @returns the ids of the accounts */
  *revokeOfProject(projectId: ProjectId): Steps<string[]> {
    const ids = (yield* query(DELETE_OF_PROJECT, [projectId])).map(({ id }) => id);
    for (const id of ids) yield* this.keys.revoke(KIND, id);
    return ids;
  }

  *#add(
    holder: Holder,
    { name, role, requestsPerMinute, expiresAt, networks }: NewServiceAccount,
    actor: Actor,
  ): Steps<AccountWithKey> {
    const record = yield* this.#lock(holder, actor);
    if (holder !== null && (yield* query(FIND_LIVE, [holder])).length === 0) throw projectNotFound();
    const [{ count } = { count: 0 }] = yield* query(COUNT, [holder]);
    if (count >= MOST_ACCOUNTS) throw tooManyAccounts();
    const id = randomUUID();
    const row = { id, projectId: holder, name, role, requestsPerMinute, createdAt: new Date() };
    yield* exec(ADD, columnValues(ServiceAccountEntity, row));
    const key = yield* this.keys.issue(KIND, id, { expiresAt, networks });
    yield* record('created', row);
    return yield* this.#withKey(row, key);
  }

  *#update(holder: Holder, id: string, changes: AccountChanges, actor: Actor): Steps<ListedAccount> {
    const record = yield* this.#lock(holder, actor);
    const account = yield* this.#find(holder, id);
    const before = { ...account, ...factsOf(yield* this.keys.ofHolder(KIND, id)) };
    const after = { ...before, ...changes };
    const fields = fieldsThatDiffer(before, after);
    if (fields.length === 0) return before;
    yield* exec(UPDATE, [id, after.name, after.requestsPerMinute]);
    // Makes every process read the account again, too.
    yield* this.keys.restrict(KIND, id, after.networks);
    yield* record('updated', after, { fields });
    return after;
  }

  *#rotate(
    holder: Holder,
    id: string,
    { graceMs, expiresAt }: KeyRotation,
    actor: Actor,
  ): Steps<AccountWithKey> {
    const record = yield* this.#lock(holder, actor);
    const account = yield* this.#find(holder, id);
    const [newest] = yield* this.keys.ofHolder(KIND, id);
    const end = expiresAt ?? newest?.expiresAt ?? null;
    if (end && end.getTime() <= Date.now()) throw expired();
    const key = yield* this.keys.rotate(KIND, id, { graceMs, expiresAt: end });
    if (key === undefined) throw notFound();
    yield* record('rotated', account);
    return yield* this.#withKey(account, key);
  }

  *#revoke(holder: Holder, id: string, actor: Actor): Steps<void> {
    const record = yield* this.#lock(holder, actor);
    const account = yield* this.#find(holder, id);
    yield* exec(DELETE, [id]);
    yield* this.keys.revoke(KIND, id);
    yield* record('revoked', account);
  }

  *#withKey(account: AccountRow, key: string): Steps<AccountWithKey> {
    return { account: { ...account, ...factsOf(yield* this.keys.ofHolder(KIND, account.id)) }, key };
  }

  *#find(holder: Holder, id: string): Steps<AccountRow> {
    const [account] = yield* query(FIND, [id, holder]);
    if (!account) throw notFound();
    return account;
  }

  /** Locks the history that records the change. @returns what writes the entry */
  *#lock(holder: Holder, actor: Actor) {
    const chain = yield* this.history.lockChain<ProjectAction | `service_accounts.${string}`>(
      holder ?? SYSTEM_CHAIN,
    );
    return (
      what: 'created' | 'updated' | 'rotated' | 'revoked',
      { id, name, role }: Pick<AccountRow, 'id' | 'name' | 'role'>,
      more: HistoryDetails = {},
    ): Steps<void> => {
      const details: HistoryDetails = { account: id, name, role, ...more };
      const action =
        holder === null ? (`service_accounts.${what}` as const) : (`service_account.${what}` as const);
      return chain.append({ action, details, actor, at: new Date() });
    };
  }

  async #withKeys(accounts: AccountRow[]): Promise<ListedAccount[]> {
    const holderId = In(accounts.map(({ id }) => id));
    const keys = await reachingDatabase(
      this.#keys.find({ where: { holderId, kind: KIND }, order: { createdAt: 'DESC' } }),
    );
    return accounts.map((account) => ({
      ...account,
      ...factsOf(keys.filter((key) => key.holderId === account.id)),
    }));
  }
}

/** Names of the fields that a change of an account changes. */
function fieldsThatDiffer(before: ListedAccount, after: ListedAccount): HistoryField[] {
  const fields = [
    before.name !== after.name && 'name',
    before.networks.join() !== after.networks.join() && 'networks',
    before.requestsPerMinute !== after.requestsPerMinute && 'requests_per_minute',
  ];
  return fields.flatMap((field) => (field === false ? [] : [{ field }]));
}

function notFound(): DomainError {
  return new DomainError('service_account_not_found', 'There is no service account with this id.');
}

function expired(): DomainError {
  return new DomainError(
    'service_account_expired',
    'The service account has expired: send a later expires_at with the rotation.',
  );
}

function tooManyAccounts(): DomainError {
  return new DomainError(
    'too_many_service_accounts',
    `There are ${MOST_ACCOUNTS} service accounts, which is the most: revoke one first.`,
  );
}
