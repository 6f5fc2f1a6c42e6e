// For `npm run stripe:local`, which has compiled it: starts the fake Stripe of the tests, to try the service
// without an account. The argument is the port: `npm run stripe:local -- 12112`.
import { cpSync, writeFileSync } from 'node:fs';

const COMPILED = new URL('../node_modules/.cache/stripe-local/', import.meta.url);
const FIXTURES = 'test/fixtures/stripe';

cpSync(new URL(`../${FIXTURES}`, import.meta.url), new URL(FIXTURES, COMPILED), { recursive: true });
writeFileSync(new URL('package.json', COMPILED), '{ "type": "module" }\n');
const { StripeServer } = await import(new URL('test/harness/stripe/stripe-server.js', COMPILED).href);

const port = Number(process.argv[2] ?? 12111);
const server = await new StripeServer().start(port).catch((error) => {
  if (error.code !== 'EADDRINUSE') throw error;
  console.error(
    `Port ${port} is taken, perhaps by another stand-in. Choose another one: npm run stripe:local -- ${port + 1}`,
  );
  process.exit(1);
});
const account = server.addAccount({ name: 'Try-out' });
const other = server.addAccount({ name: 'Another account' });
const restricted = account.addRestrictedKey('test', ['rak_balance_read', 'rak_customer_read']);
const expired = account.addSecretKey('test');
server.mark(expired, 'expired');
server.announce = (event) => void deliver(event);

async function deliver(event) {
  console.log(event.type);
  try {
    for (const { endpoint, status } of await server.deliver(event))
      console.log(`  ${endpoint} answered ${status}`);
  } catch (error) {
    console.log(`  could not be delivered: ${error.cause?.code ?? error.message}`);
  }
}

const prices = account.test.all('price').map(({ id, nickname }) => `  ${id}  ${nickname}`);
console.log(`A Stripe without money answers on ${server.url}. Use it with

  STRIPE_API_BASE=${server.url} npm start

and these keys, which nobody else accepts:

  secret       ${account.keys.test.secret}
  publishable  ${account.keys.test.publishable}
  live secret  ${account.keys.live.secret}
  restricted   ${restricted}  (reads balance and customers)
  expired      ${expired}
  of another account  ${other.keys.test.secret}

Prices:
${prices.join('\n')}

To open the address of a checkout session is to pay. Events go to the webhook endpoints that were registered; they are listed here:`);
