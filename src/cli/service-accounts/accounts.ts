import { toServiceAccountResponse } from '../../projects/service-accounts/service-account.dto.js';
import { ServiceAccountsModule } from '../../projects/service-accounts/service-accounts.module.js';
import type {
  AccountWithKey,
  ListedAccount,
} from '../../projects/service-accounts/service-accounts.repository.js';
import { ServiceAccountsService } from '../../projects/service-accounts/service-accounts.service.js';
import { CommandFailed, type Report } from '../output.js';
import type { Session } from '../session.js';

export async function openServiceAccounts(session: Session): Promise<ServiceAccountsService> {
  const services = await session.open({ imports: [ServiceAccountsModule], settings: 'server' });
  return services.get(ServiceAccountsService);
}

/** Finds an account of any project or of the operator. @throws CommandFailed */
export async function accountWith(service: ServiceAccountsService, id: string): Promise<ListedAccount> {
  const account = await service.find(id);
  if (!account) throw new CommandFailed('There is no service account with this id.');
  return account;
}

export function toJson(account: ListedAccount): object {
  return { ...toServiceAccountResponse(account), project_id: account.projectId };
}

/** The only report that ever shows the key. */
export function keyReport(sentence: string, { account, key }: AccountWithKey): Report {
  const command = (name: string) => `\`tillkeeper service-accounts ${name} ${account.id}\``;
  return {
    ifLost: `The key of service account ${account.id} was not shown: make another one with ${command('rotate')}, or delete the account with ${command('revoke')}.`,
    text: `${sentence}\nIts id: ${account.id}\nIts key, which is not shown again: ${key}`,
    json: { ...toJson(account), key },
  };
}
