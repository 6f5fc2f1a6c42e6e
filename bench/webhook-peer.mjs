// The sync engine that Supabase publishes, behind the smallest server that its documentation shows: one
// tenant, PostgreSQL only.
import { createRequire } from 'node:module';
import Fastify from 'fastify';
import { WEBHOOK_SECRET } from './deliveries.mjs';

// The ES module of the package doesn't find its migrations.
const require = createRequire(import.meta.url);
const { runMigrations, StripeSync } = require('@supabase/stripe-sync-engine');

const { PORT, DATABASE_URL } = process.env;

await runMigrations({ databaseUrl: DATABASE_URL, schema: 'stripe' });
const sync = new StripeSync({
  poolConfig: { connectionString: DATABASE_URL, max: 10 },
  stripeSecretKey: `sk_test_${'a'.repeat(24)}`,
  stripeWebhookSecret: WEBHOOK_SECRET,
  autoExpandLists: false,
  backfillRelatedEntities: false,
});

const app = Fastify();
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 1024 * 1024 }, (_request, bytes, done) =>
  done(null, bytes),
);
app.post('/*', async ({ headers, body }, reply) => {
  try {
    await sync.processWebhook(body, headers['stripe-signature']);
  } catch (error) {
    if (error.type !== 'StripeSignatureVerificationError') throw error;
    return reply.code(400).send({ detail: 'The signature does not match.' });
  }
  return { received: true };
});

process.once('SIGTERM', () => process.exit(0));
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
