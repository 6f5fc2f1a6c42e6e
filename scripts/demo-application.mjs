// The application of the demo's shop, a program of its own: receives events, verifies them, and prints what it
// hears. Prints its URL first, then reads the secret of its destination from standard input.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

let webhook;
createInterface({ input: process.stdin }).once('line', (secret) => (webhook = new Webhook(secret)));

const server = createServer(async (request, response) => {
  try {
    const { type, data } = webhook.verify(await text(request), request.headers);
    response.writeHead(204).end();
    const { amount_cents: amount, currency } = data.payment;
    console.log(`${type} of ${amount} ${currency}, ${data.payment.payment_intent_id}`);
  } catch {
    // Not signed with the secret, or cut off.
    response.writeHead(400).end();
  }
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/events`));
