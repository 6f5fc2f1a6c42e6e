import { noAccess } from '../refusals.js';
import { example } from '../resources.js';
import { type Call, route } from '../router.js';

function account({ key: { account } }: Call) {
  const shown = example('account');
  return {
    ...shown,
    id: account.id,
    business_profile: { ...shown.business_profile, name: account.name },
    settings: { ...shown.settings, dashboard: { ...shown.settings?.dashboard, display_name: account.name } },
    charges_enabled: true,
    details_submitted: true,
    payouts_enabled: true,
  };
}

export const accountRoutes = [
  route('GET', '/v1/account', 'rak_accounts_kyc_basic_read', [], account),
  route('GET', '/v1/accounts/:id', 'rak_accounts_kyc_basic_read', [], (call) => {
    if (call.id !== call.key.account.id) throw noAccess(call.key.value, call.id);
    return account(call);
  }),
  route('GET', '/v1/balance', 'rak_balance_read', [], ({ data }) => ({
    ...example('balance'),
    livemode: data.livemode,
  })),
];
