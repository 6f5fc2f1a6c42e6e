// What a cached `StripeClients.for` costs. Run `npm run build` first; nothing is asked of a database or of Stripe.
import 'reflect-metadata';
import { StripeClients } from '../dist/payments/stripe-config/stripe-clients.js';

const CALLS = 1_000_000;
const PROJECT = '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11';

const configs = { openSecretKey: async () => ({ value: undefined, fingerprint: 'a', version: 1 }) };
const changes = { isCurrent: () => true, onChange: () => undefined, onGap: () => undefined };
const connector = { connect: async () => ({ on: () => undefined }) };
const clients = new StripeClients(configs, changes, connector, { followUse: () => () => undefined });

async function callOften() {
  for (let call = 0; call < CALLS; call++) await clients.for(PROJECT, 'test');
}

await callOften();
const start = performance.now();
await callOften();
console.log(`A cached StripeClients.for: ${(((performance.now() - start) * 1000) / CALLS).toFixed(2)} µs (target: under 5 µs)`);
