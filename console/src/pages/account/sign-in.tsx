import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link, Redirect, useSearch } from 'wouter';
import { messageOf } from '../../api/errors';
import { SERVER } from '../../api/place';
import * as queries from '../../api/queries';
import { signIn, signInWithToken, signOut, useSession } from '../../api/session';
import { nextPath } from '../../shell/paths';
import { Links, Narrow } from '../../shell/shell';
import { text } from '../../text';
import { Button, ExternalLink, Field, Form, FormError } from '../../ui/controls';
import { Dialog } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';

export function SignIn() {
  const search = useSearch();
  const session = useSession();
  const { data: server } = useQuery(queries.serverInfo);
  const [withToken, setWithToken] = useState(false);
  if (session === 'in') return <Redirect to={nextPath(search)} replace />;
  const failure = new URLSearchParams(search).get('sign_in_error');
  const asksForToken = withToken || server?.sign_in.password === false;
  return (
    <Narrow title={text.signIn.title} about={asksForToken ? text.signIn.tokenAbout : text.signIn.about}>
      {server?.sign_in.oidc && (
        <Button
          kind="primary"
          onClick={() =>
            location.assign(`${SERVER}/api/v1/session/oidc?next=${encodeURIComponent(nextPath(search))}`)
          }
        >
          {text.signIn.oidc}
        </Button>
      )}
      <FormError>{failure !== null && failureText(failure)}</FormError>
      {asksForToken ? <TokenForm /> : <PasswordForm />}
      <Links>
        {server?.sign_in.registration && (
          <Link className="link" href={`/register${search && `?${search}`}`}>
            {text.signIn.register}
          </Link>
        )}
        {server?.sign_in.password && !withToken && (
          <Link className="link" href="/forgotten-password">
            {text.signIn.forgotten}
          </Link>
        )}
        {server?.sign_in.password && (
          <Button kind="quiet" small onClick={() => setWithToken(!withToken)}>
            {withToken ? text.signIn.usePassword : text.signIn.useToken}
          </Button>
        )}
      </Links>
    </Narrow>
  );
}

/** After the session has ended, over the page, which keeps what was typed there. */
export function SignInAgain() {
  const { data: server } = useQuery(queries.serverInfo);
  // It can't be dismissed: without a session nothing on the page works.
  const [nth, setNth] = useState(0);
  const client = useQueryClient();
  useEffect(() => () => void client.invalidateQueries(), [client]);
  return (
    <Dialog
      key={nth}
      open
      title={text.signIn.again}
      about={text.signIn.againAbout}
      onClose={() => setNth(nth + 1)}
    >
      {server?.sign_in.oidc && (
        // The other tab tells this one.
        <p>
          <ExternalLink button href={`${SERVER}/api/v1/session/oidc?next=%2F`}>
            {text.signIn.oidc}
          </ExternalLink>
        </p>
      )}
      {server?.sign_in.password === false ? <TokenForm /> : <PasswordForm />}
      <Links>
        <Button kind="quiet" small onClick={() => void signOut()}>
          {text.nav.signOut}
        </Button>
      </Links>
    </Dialog>
  );
}

/** @param failure as the server names it in the URL, where anybody could write another one */
function failureText(failure: string): string {
  const known: Readonly<Record<string, string>> = text.signIn.failures;
  return (Object.hasOwn(known, failure) ? known[failure] : undefined) ?? text.signIn.failures.failed;
}

function PasswordForm() {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const act = useAct(() => signIn(email, password));
  return (
    <Form onSubmit={() => act.mutate()}>
      <Field
        label={text.account.email}
        type="email"
        autoComplete="username"
        value={email}
        autoFocus
        required
        onChange={({ target }) => setEmail(target.value)}
      />
      <Field
        label={text.account.password}
        type="password"
        autoComplete="current-password"
        value={password}
        required
        onChange={({ target }) => setPassword(target.value)}
      />
      <FormError>{act.error && messageOf(act.error)}</FormError>
      <Button type="submit" kind="primary" busy={act.isPending} disabled={!email || !password}>
        {text.signIn.submit}
      </Button>
    </Form>
  );
}

function TokenForm() {
  const [token, setToken] = useState('');
  return (
    <Form onSubmit={() => signInWithToken(token.trim())}>
      <Field
        label={text.signIn.token}
        hint={text.signIn.tokenHint}
        type="password"
        mono
        value={token}
        onChange={({ target }) => setToken(target.value)}
      />
      <Button type="submit" kind="primary" disabled={!token.trim()}>
        {text.signIn.submit}
      </Button>
    </Form>
  );
}
