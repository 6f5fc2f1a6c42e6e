import { useState } from 'react';
import { useLocation } from 'wouter';
import { api, ask } from '../../api/client';
import { messageOf } from '../../api/errors';
import * as queries from '../../api/queries';
import { accessToken, useSession } from '../../api/session';
import { projectPath } from '../../shell/paths';
import { Narrow } from '../../shell/shell';
import { text } from '../../text';
import { Button, ButtonLink, Field, Form, FormError } from '../../ui/controls';
import { Note } from '../../ui/content';
import { useAct } from '../../ui/use-act';

/** The token survives signing in or registering in this tab, and is in no URL that a server sees. */
const KEY = 'tillkeeper-invitation';

export function Invitation() {
  const [, go] = useLocation();
  const session = useSession();
  const [token, setToken] = useState(() => location.hash.slice(1) || sessionStorage.getItem(KEY) || '');
  const act = useAct(
    async () => {
      await accessToken();
      return ask(api.POST('/api/v1/projects/invitations/accept', { body: { token } }));
    },
    {
      changes: [queries.projects.queryKey],
      done: ({ name, role }) => text.invitation.done(name, text.roles[role]),
      onDone: ({ id }) => {
        sessionStorage.removeItem(KEY);
        go(projectPath(id));
      },
    },
  );
  const keep = () => sessionStorage.setItem(KEY, token);
  const isOut = session === 'out';
  return (
    <Narrow title={text.invitation.title} about={text.invitation.about}>
      {isOut && <Note tone="info">{text.invitation.signInFirst}</Note>}
      <Form onSubmit={() => act.mutate()}>
        <Field
          label={text.invitation.token}
          mono
          value={token}
          onChange={({ target }) => setToken(target.value.trim())}
        />
        <FormError>{act.error && session !== 'out' && messageOf(act.error)}</FormError>
        {isOut ? (
          <div className="row" onClickCapture={keep}>
            <ButtonLink kind="primary" href="/sign-in?next=/invitation">
              {text.signIn.submit}
            </ButtonLink>
            <ButtonLink href="/register?next=/invitation">{text.signIn.register}</ButtonLink>
          </div>
        ) : (
          <Button type="submit" kind="primary" busy={act.isPending} disabled={!token}>
            {text.invitation.join}
          </Button>
        )}
      </Form>
    </Narrow>
  );
}
