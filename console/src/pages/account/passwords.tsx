import { useState } from 'react';
import { Link } from 'wouter';
import { api, ask } from '../../api/client';
import { ApiError, messageOf, translated } from '../../api/errors';
import { Links, Narrow } from '../../shell/shell';
import { text } from '../../text';
import { Button, ButtonLink, Field, Form, FormError } from '../../ui/controls';
import { useAct } from '../../ui/use-act';

export function ForgottenPassword() {
  const [email, setEmail] = useState('');
  const act = useAct(() => ask(api.POST('/api/v1/auth/password-reset-request', { body: { email } })));
  return (
    <Narrow title={text.passwords.forgotten} about={text.passwords.forgottenAbout}>
      {act.data ? (
        <p role="status">{translated(act.data.message)}</p>
      ) : (
        <Form onSubmit={() => act.mutate()}>
          <Field
            label={text.account.email}
            type="email"
            autoComplete="username"
            value={email}
            autoFocus
            onChange={({ target }) => setEmail(target.value)}
          />
          <FormError>{act.error && messageOf(act.error)}</FormError>
          <Button type="submit" kind="primary" busy={act.isPending} disabled={!email}>
            {text.passwords.send}
          </Button>
        </Form>
      )}
      <Links>
        <Link className="link" href="/sign-in">
          {text.register.signIn}
        </Link>
        <Link className="link" href="/new-password">
          {text.passwords.haveToken}
        </Link>
      </Links>
    </Narrow>
  );
}

/** The token is in the fragment, which browsers don't send, or pasted. */
export function NewPassword() {
  const [token, setToken] = useState(() => location.hash.slice(1));
  const [password, setPassword] = useState('');
  const act = useAct(() =>
    ask(api.POST('/api/v1/auth/password-reset', { body: { token, new_password: password } })),
  );
  const problems = act.error instanceof ApiError ? act.error : undefined;
  return (
    <Narrow title={text.passwords.new} about={text.passwords.newAbout}>
      {act.isSuccess ? (
        <>
          <p role="status">{text.passwords.done}</p>
          <ButtonLink kind="primary" href="/sign-in">
            {text.signIn.submit}
          </ButtonLink>
        </>
      ) : (
        <Form onSubmit={() => act.mutate()}>
          <Field
            label={text.passwords.token}
            mono
            value={token}
            error={problems?.of('token')}
            onChange={({ target }) => setToken(target.value.trim())}
          />
          <Field
            label={text.passwords.new}
            hint={text.account.passwordHint}
            type="password"
            autoComplete="new-password"
            value={password}
            error={problems?.of('new_password')}
            onChange={({ target }) => setPassword(target.value)}
          />
          <FormError>{act.error && !problems?.problems.length && messageOf(act.error)}</FormError>
          <Button type="submit" kind="primary" busy={act.isPending} disabled={!token || !password}>
            {text.passwords.set}
          </Button>
        </Form>
      )}
    </Narrow>
  );
}
