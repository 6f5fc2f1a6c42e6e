import { InvalidArgumentError } from 'commander';
import { DomainError } from '../../common/errors.js';
import { parseProjectId, parseUuid, type ProjectId } from '../../common/ids.js';
import type { Check } from '../../http/validation/request.pipe.js';
import { toServiceAccountResponse } from '../../service-accounts/service-account.dto.js';
import { ServiceAccountsModule } from '../../service-accounts/service-accounts.module.js';
import type { AccountWithKey, ListedAccount } from '../../service-accounts/service-accounts.repository.js';
import { ServiceAccountsService } from '../../service-accounts/service-accounts.service.js';
import { CommandFailed, type Report } from '../output.js';
import type { Session } from '../session.js';

export async function openServiceAccounts(session: Session): Promise<ServiceAccountsService> {
  const services = await session.open({ imports: [ServiceAccountsModule], settings: 'server' });
  return services.get(ServiceAccountsService);
}

/** Parses an argument for commander. */
export function projectId(text: string): ProjectId {
  const id = parseProjectId(text);
  if (!id) throw new InvalidArgumentError('It must be a UUID.');
  return id;
}

/** Parses an argument for commander. */
export function accountId(text: string): string {
  const id = parseUuid(text);
  if (!id) throw new InvalidArgumentError('It must be a UUID.');
  return id;
}

/** Parses a number for commander. @param problem of the rule for the number */
export function wholeNumber(problem: (value: unknown) => ReturnType<Check>): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    check('It', problem, number);
    return number;
  };
}

/** @throws InvalidArgumentError */
export function check(what: string, rule: (value: unknown) => ReturnType<Check>, value: unknown): void {
  const problem = rule(value);
  if (problem) throw new InvalidArgumentError(`${what} ${problem.msg}.`);
}

/** Finds an account of any project or of the operator. @throws CommandFailed */
export async function accountWith(service: ServiceAccountsService, id: string): Promise<ListedAccount> {
  const account = await service.find(id);
  if (!account) throw new CommandFailed('There is no service account with this id.');
  return account;
}

/** Shows a refusal as the API words it. */
export async function orFail<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DomainError && error.code !== 'database_unavailable')
      throw new CommandFailed(error.message);
    throw error;
  }
}

export function toJson(account: ListedAccount): object {
  return { ...toServiceAccountResponse(account), project_id: account.projectId };
}

/** The only report that ever shows the key. */
export function keyReport(sentence: string, { account, key }: AccountWithKey): Report {
  return {
    text: `${sentence}\nIts id: ${account.id}\nIts key, which is not shown again: ${key}`,
    json: { ...toJson(account), key },
  };
}
