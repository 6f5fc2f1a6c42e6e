import { useState } from 'react';
import { Link, Redirect, useSearch } from 'wouter';
import { api, ask } from '../../api/client';
import { ApiError, messageOf } from '../../api/errors';
import { signIn, useSession } from '../../api/session';
import { nextPath } from '../../shell/paths';
import { Links, Narrow } from '../../shell/shell';
import { text } from '../../text';
import { Button, Field, Form, FormError } from '../../ui/controls';
import { useAct } from '../../ui/use-act';

/** The answer of the registration has tokens of a session of its own, which expires unused. */
async function register(email: string, password: string, full_name: string): Promise<void> {
  await ask(api.POST('/api/v1/auth/register', { body: { email, password, full_name: full_name || null } }));
  await signIn(email, password);
}

export function Register() {
  const search = useSearch();
  const session = useSession();
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const act = useAct(() => register(email, password, name));
  if (session === 'in') return <Redirect to={nextPath(search)} replace />;
  const problems = act.error instanceof ApiError ? act.error : undefined;
  return (
    <Narrow title={text.register.title} about={text.register.about}>
      <Form onSubmit={() => act.mutate()}>
        <Field
          label={text.account.email}
          type="email"
          autoComplete="username"
          value={email}
          autoFocus
          error={problems?.of('email')}
          onChange={({ target }) => setEmail(target.value)}
        />
        <Field
          label={text.account.name}
          autoComplete="name"
          value={name}
          error={problems?.of('full_name')}
          onChange={({ target }) => setName(target.value)}
        />
        <Field
          label={text.account.password}
          hint={text.account.passwordHint}
          type="password"
          autoComplete="new-password"
          value={password}
          error={problems?.of('password')}
          onChange={({ target }) => setPassword(target.value)}
        />
        <FormError>{act.error && !problems?.problems.length && messageOf(act.error)}</FormError>
        <Button type="submit" kind="primary" busy={act.isPending} disabled={!email || !password}>
          {text.register.submit}
        </Button>
      </Form>
      <Links>
        <Link className="link" href={`/sign-in${search && `?${search}`}`}>
          {text.register.signIn}
        </Link>
      </Links>
    </Narrow>
  );
}
