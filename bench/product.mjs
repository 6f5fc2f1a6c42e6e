// All imports of the benchmarks from the build.
import { LocalKeyWrapper } from '../dist/vault/wrappers/local-key-wrapper.js';
import { Keyring } from '../dist/vault/keys/keyring.js';
import { MasterKeys } from '../dist/vault/wrappers/master-keys.js';

export { vouchedFor } from '../dist/history/history-entry.js';
export { Secret } from '../dist/common/secret.js';
export { configWarnings } from '../dist/payments/stripe-config/stripe-config.js';
export { CREDENTIAL_RULES } from '../dist/payments/stripe-config/credential-rules.js';
export { accountPart, looksCutOff, maskCredential } from '../dist/payments/stripe-config/credential-rules.js';

export const SERVER = new URL('../dist/main.js', import.meta.url);

/** The keys that seal. @param listDataKeys reads the rows of `data_keys` @param {string} masterKey base64 */
export async function openKeyring(listDataKeys, masterKey) {
  const keyring = new Keyring(
    { list: listDataKeys },
    new MasterKeys(new LocalKeyWrapper(Buffer.from(masterKey, 'base64'))),
  );
  await keyring.load();
  return keyring;
}

/**
 * The whole application in this process, listening. Loads the modules on call, so that the bare server runs
 * without them.
 */
export async function startApp(environment) {
  const [{ createApp }, { AppLogger }, { loadSettings }, { StripeClients }, { DeliveriesRepository }] =
    await Promise.all([
      import('../dist/bootstrap/app.js'),
      import('../dist/http/app-logger.js'),
      import('../dist/config/load-settings.js'),
      import('../dist/payments/stripe-config/keys/stripe-clients.js'),
      import('../dist/payments/events/delivery/deliveries.repository.js'),
    ]);
  const app = await createApp(loadSettings(environment), new AppLogger('error'));
  await app.listen(0, '127.0.0.1');
  return {
    url: await app.getUrl(),
    stripeClients: app.get(StripeClients, { strict: false }),
    deliveries: app.get(DeliveriesRepository, { strict: false }),
    close: () => app.close(),
  };
}
