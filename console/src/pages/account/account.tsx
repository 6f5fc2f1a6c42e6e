import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, queryClient } from '../../api/client';
import { ApiError, messageOf } from '../../api/errors';
import * as queries from '../../api/queries';
import { signOut } from '../../api/session';
import type { Schema } from '../../api/types';
import { currentTheme, setTheme, type Theme, THEMES } from '../../shell/theme';
import { text } from '../../text';
import { language, languages, speak } from '../../text/language';
import { Ago } from '../../ui/ago';
import { Card, CardBody, Facts, Page, Row, Rows, Tag } from '../../ui/content';
import { Actions, Button, Choice, Field, Form, FormError } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { Confirmation } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';

export function Account() {
  const account = useQuery(queries.me);
  return (
    <Page title={text.account.title} about={text.account.about}>
      <div className="cols">
        <Card title={text.account.you}>
          <CardBody>
            <Loaded query={account} lines={3}>
              {(me) =>
                me ? (
                  <Facts
                    facts={[
                      [text.account.email, me.email],
                      [text.account.name, me.full_name],
                      [text.account.since, <Ago key="since" at={me.created_at} />],
                    ]}
                  />
                ) : (
                  <p>{text.account.elsewhere}</p>
                )
              }
            </Loaded>
          </CardBody>
        </Card>
        <Appearance />
      </div>
      {account.data && (
        <>
          <Sessions />
          <Password />
        </>
      )}
    </Page>
  );
}

function Appearance() {
  const [theme, set] = useState(currentTheme);
  const change = (next: Theme) => {
    set(next);
    setTheme(next);
  };
  return (
    <Card title={text.account.appearance}>
      <CardBody>
        <div className="row">
          <Choice
            label={text.palette.theme}
            value={theme}
            options={THEMES.map((key) => [key, text.themes[key]] as const)}
            onChange={change}
          />
          <Choice label={text.account.language} value={language} options={languages} onChange={speak} />
        </div>
      </CardBody>
    </Card>
  );
}

const BROWSERS = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Firefox', 'Firefox'],
  ['Chrome', 'Chrome'],
  ['Safari', 'Safari'],
] as const;
const SYSTEMS = [
  ['Windows', 'Windows'],
  ['Android', 'Android'],
  ['iPhone', 'iOS'],
  ['iPad', 'iPadOS'],
  ['Mac OS', 'macOS'],
  ['Linux', 'Linux'],
] as const;

/** Other clients are called what they call themselves. */
function clientName(agent: string | null): string {
  const nameIn = (names: readonly (readonly [string, string])[]) =>
    names.find(([sign]) => agent?.includes(sign))?.[1];
  const [browser, system] = [nameIn(BROWSERS), nameIn(SYSTEMS)];
  return browser && system ? text.sessions.client(browser, system) : (agent ?? text.sessions.unknown);
}

function Sessions() {
  const list = useQuery(queries.sessions);
  const end = useAct(
    (session_id: string) =>
      ask(api.DELETE('/api/v1/auth/sessions/{session_id}', { params: { path: { session_id } } })),
    { changes: [queries.sessions.queryKey], done: text.sessions.ended },
  );
  const [asking, setAsking] = useState(false);
  const endAll = useAct(() => ask(api.DELETE('/api/v1/auth/sessions')), {
    onDone: () => void signOut().then(() => queryClient.clear()),
  });
  const row = (session: Schema<'Session'>) => (
    <Row
      key={session.id}
      title={
        <span className="row">
          <span title={session.user_agent ?? undefined}>{clientName(session.user_agent)}</span>
          {session.is_current && <Tag tone="good">{text.sessions.current}</Tag>}
        </span>
      }
      note={
        <>
          {session.ip} · {text.sessions.used} <Ago at={session.last_used_at} />
        </>
      }
      actions={
        session.is_current ? null : (
          <Button busy={end.isPending && end.variables === session.id} onClick={() => end.mutate(session.id)}>
            {text.sessions.end}
          </Button>
        )
      }
    />
  );
  return (
    <Card
      title={text.sessions.title}
      aside={
        <Button kind="danger" onClick={() => setAsking(true)}>
          {text.sessions.endAll}
        </Button>
      }
    >
      <FormError>{end.error && messageOf(end.error)}</FormError>
      <Loaded query={list}>{({ sessions }) => <Rows>{sessions.map(row)}</Rows>}</Loaded>
      <Confirmation
        open={asking}
        title={text.sessions.endAll}
        about={text.sessions.endAllAbout}
        verb={text.sessions.endAll}
        busy={endAll.isPending}
        error={endAll.error ? messageOf(endAll.error) : undefined}
        onConfirm={() => endAll.mutate()}
        onClose={() => setAsking(false)}
      />
    </Card>
  );
}

function Password() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const act = useAct(
    () =>
      ask(
        api.POST('/api/v1/auth/change-password', {
          body: { current_password: current, new_password: next },
        }),
      ),
    {
      changes: [queries.sessions.queryKey],
      done: text.passwords.changed,
      onDone: () => {
        setCurrent('');
        setNext('');
      },
    },
  );
  const problems = act.error instanceof ApiError ? act.error : undefined;
  return (
    <Card title={text.passwords.change}>
      <CardBody>
        <Form onSubmit={() => act.mutate()}>
          <Field
            label={text.passwords.current}
            type="password"
            autoComplete="current-password"
            value={current}
            error={problems?.of('current_password')}
            onChange={({ target }) => setCurrent(target.value)}
          />
          <Field
            label={text.passwords.new}
            hint={text.passwords.changeHint}
            type="password"
            autoComplete="new-password"
            value={next}
            error={problems?.of('new_password')}
            onChange={({ target }) => setNext(target.value)}
          />
          <FormError>{act.error && !problems?.problems.length && messageOf(act.error)}</FormError>
          <Actions>
            <Button type="submit" busy={act.isPending} disabled={!current || !next}>
              {text.passwords.change}
            </Button>
          </Actions>
        </Form>
      </CardBody>
    </Card>
  );
}
