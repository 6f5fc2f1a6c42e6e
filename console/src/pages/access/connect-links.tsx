import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { ApiError, messageOf } from '../../api/errors';
import * as queries from '../../api/queries';
import type { Mode } from '../../api/types';
import { ModeSwitch, useProject } from '../../shell/project';
import { text } from '../../text';
import { Ago } from '../../ui/ago';
import { Card, Empty, Row, Rows, Tag } from '../../ui/content';
import { Actions, Button, Choice, Field, Form, FormError } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { Dialog } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';
import { NewKey } from './issued-keys';

const PATH = '/api/v1/payments/stripe/projects/{project_id}/connect-links';

/** Seconds for which a link works. */
const DURATIONS = ['900', '3600', '86400', '604800'] as const;

export function ConnectLinks() {
  const { id } = useProject();
  const list = useQuery(queries.connectLinks(id));
  const [adding, setAdding] = useState(false);
  const [url, setUrl] = useState<string | null>(null);
  const revoke = useAct(
    (connect_link_id: string) =>
      ask(api.DELETE(`${PATH}/{connect_link_id}`, { params: { path: { project_id: id, connect_link_id } } })),
    { changes: [[id, 'connect-links']], done: text.links.revoked },
  );
  return (
    <>
      <Card
        title={text.links.title}
        aside={<Button onClick={() => setAdding(true)}>{text.links.add}</Button>}
      >
        <FormError>{revoke.error && messageOf(revoke.error)}</FormError>
        <Loaded query={list}>
          {(links) =>
            links.length === 0 ? (
              <Empty title={text.links.none}>{text.links.noneAbout}</Empty>
            ) : (
              <Rows>
                {links.map((link) => (
                  <Row
                    key={link.id}
                    title={
                      <span className="row">
                        {link.state ?? text.links.one}{' '}
                        <Tag tone={link.mode === 'test' ? 'warn' : 'off'}>{text.mode[link.mode]}</Tag>
                      </span>
                    }
                    note={
                      <>
                        {text.links.back} <code>{link.return_url}</code> · {text.issued.expires}{' '}
                        <Ago at={link.expires_at} />
                        {link.embed_origin && ` · ${text.links.embeddedIn} ${link.embed_origin}`}
                      </>
                    }
                    actions={
                      <Button
                        kind="danger"
                        busy={revoke.isPending && revoke.variables === link.id}
                        onClick={() => revoke.mutate(link.id)}
                      >
                        {text.issued.revoke}
                      </Button>
                    }
                  />
                ))}
              </Rows>
            )
          }
        </Loaded>
      </Card>
      {adding && (
        <AddLink
          onMade={(made) => {
            setAdding(false);
            setUrl(made);
          }}
          onClose={() => setAdding(false)}
        />
      )}
      <NewKey value={url} title={text.links.made} about={text.links.madeAbout} onClose={() => setUrl(null)} />
    </>
  );
}

function AddLink({ onMade, onClose }: { onMade: (url: string) => void; onClose: () => void }) {
  const { id } = useProject();
  const [mode, setMode] = useState<Mode>('live');
  const [returnUrl, setReturnUrl] = useState('');
  const [state, setState] = useState('');
  const [origin, setOrigin] = useState('');
  const [seconds, setSeconds] = useState<(typeof DURATIONS)[number]>('900');
  const act = useAct(
    () =>
      ask(
        api.POST(PATH, {
          params: { path: { project_id: id } },
          body: {
            mode,
            return_url: returnUrl.trim(),
            state: state.trim() || null,
            embed_origin: origin.trim() || null,
            expires_in: Number(seconds),
          },
        }),
      ),
    { changes: [[id, 'connect-links']], onDone: ({ url }) => onMade(url) },
  );
  const problems = act.error instanceof ApiError ? act.error : undefined;
  return (
    <Dialog open title={text.links.add} about={text.links.about} onClose={onClose}>
      <Form onSubmit={() => act.mutate()}>
        <ModeSwitch mode={mode} onChange={setMode} />
        <Field
          label={text.links.returnUrl}
          hint={text.links.returnUrlHint}
          type="url"
          placeholder="https://platform.example.com/stripe"
          mono
          autoFocus
          value={returnUrl}
          error={problems?.of('return_url')}
          onChange={({ target }) => setReturnUrl(target.value)}
        />
        <Field
          label={text.links.state}
          hint={text.links.stateHint}
          value={state}
          error={problems?.of('state')}
          onChange={({ target }) => setState(target.value)}
        />
        <Field
          label={text.links.origin}
          hint={text.links.originHint}
          placeholder="https://platform.example.com"
          mono
          value={origin}
          error={problems?.of('embed_origin')}
          onChange={({ target }) => setOrigin(target.value)}
        />
        <Choice
          label={text.links.duration}
          value={seconds}
          options={DURATIONS.map((key) => [key, text.links.durations[key]] as const)}
          onChange={setSeconds}
        />
        <FormError>{act.error && !problems?.problems.length && messageOf(act.error)}</FormError>
        <Actions>
          <Button onClick={onClose}>{text.confirm.cancel}</Button>
          <Button type="submit" kind="primary" busy={act.isPending} disabled={!returnUrl.trim()}>
            {text.links.add}
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
