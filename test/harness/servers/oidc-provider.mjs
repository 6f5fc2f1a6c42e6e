// An identity provider on the loopback interface, in a process of its own: its packages are ESM only. Prints its
// URL. Whoever opens /interaction/…?as=ada has signed in as ada; `as=nobody` refuses, nameless has no
// address, and unproved one that nobody proved.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [, , redirectUri, clientId, clientSecret] = process.argv;
const SCOPE = 'openid email profile';

const server = createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({
        sub: accountId,
        name: accountId,
        ...(accountId !== 'nameless' && { email: `${accountId}@example.com` }),
        ...(accountId === 'unproved' && { email_verified: false }),
      }),
    }),
  });
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/interaction/')) return next();
    const accountId = context.query.as;
    const finish = (result) => provider.interactionFinished(context.req, context.res, result);
    context.respond = false;
    if (accountId === 'nobody') return finish({ error: 'access_denied' });
    const grant = new provider.Grant({ accountId, clientId });
    grant.addOIDCScope(SCOPE);
    return finish({ login: { accountId, remember: false }, consent: { grantId: await grant.save() } });
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
