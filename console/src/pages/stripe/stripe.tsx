import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { messageOf, translated } from '../../api/errors';
import * as queries from '../../api/queries';
import { type Mode, MODES, type Schema } from '../../api/types';
import { useMay, useProject } from '../../shell/project';
import { text } from '../../text';
import { Ago, useNow } from '../../ui/ago';
import { Card, Note, Page, Row, Rows, Skeleton, State } from '../../ui/content';
import { Button } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { Confirmation } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';
import { Endpoint } from './endpoint';
import { fieldOf, type Kind, KINDS, maskOf } from './fields';
import { KeyDialog } from './key-dialog';
import { ModeState } from './mode-state';
import { RestrictedKey } from './restricted-key';

type Config = Schema<'StripeConfigResponse'> | null;

export function Stripe() {
  const { id } = useProject();
  const config = useQuery(queries.config(id));
  const status = useQuery(queries.status(id));
  const may = useMay();
  return (
    <Page title={text.nav.pages.stripe} about={text.stripe.about}>
      {config.data?.config?.warnings.map(({ code, field, message }) => (
        <Note
          key={`${code} ${field}`}
          title={text.warnings[code](text.mode.of[field.startsWith('test') ? 'test' : 'live'])}
        >
          {message}
        </Note>
      ))}
      <Loaded
        query={config}
        skeleton={
          <div className="cols">
            {MODES.map((mode) => (
              <Card key={mode} mode={mode} title={text.mode.of[mode]}>
                <Skeleton lines={6} />
              </Card>
            ))}
          </div>
        }
      >
        {(state) => (
          <div className="cols">
            {MODES.map((mode) => (
              <ModeCard key={mode} mode={mode} state={state} status={status.data?.[mode]} />
            ))}
          </div>
        )}
      </Loaded>
      {may('config:write') && <RestrictedKey />}
    </Page>
  );
}

function ModeCard({
  mode,
  state: { config, etag },
  status,
}: {
  mode: Mode;
  state: { config: Config; etag: string | null };
  status: Schema<'StripeModeStatus'> | undefined;
}) {
  const may = useMay();
  const [editing, setEditing] = useState<Kind | null>(null);
  const [destroying, setDestroying] = useState(false);
  const needsWebhookSecret =
    config?.warnings.some(
      ({ code, field }) => code === 'missing_webhook_secret' && field === fieldOf(mode, 'webhook_secret'),
    ) ?? false;
  const isSet = KINDS.some((kind) => maskOf(config, mode, kind) !== null);
  const mayWrite = may('config:write');
  return (
    <Card
      title={text.mode.of[mode]}
      mode={mode}
      aside={status && <ModeState status={status} needsWebhookSecret={needsWebhookSecret} />}
      foot={<Endpoint mode={mode} status={status} hasKey={maskOf(config, mode, 'secret_key') !== null} />}
    >
      {status?.state === 'invalid' && status.last_error && (
        <Note tone="bad" title={text.stripe.refused}>
          {translated(status.last_error)}
        </Note>
      )}
      <Rows>
        {KINDS.map((kind) => {
          const mask = maskOf(config, mode, kind);
          return (
            <Row
              key={kind}
              title={text.stripe.kinds[kind]}
              note={
                mask === null ? (
                  text.stripe.notSet
                ) : (
                  <>
                    <code>{mask}</code> <Origin mode={mode} kind={kind} />
                    {kind === 'secret_key' && status && <Verdict status={status} />}
                    {kind === 'webhook_secret' && status && <Overlap status={status} />}
                  </>
                )
              }
              actions={
                mayWrite && (
                  <Button onClick={() => setEditing(kind)}>
                    {mask === null ? text.stripe.add : text.stripe.replace}
                    <span className="hidden">
                      {' '}
                      {text.stripe.kinds[kind]}, {text.mode.of[mode]}
                    </span>
                  </Button>
                )
              }
            />
          );
        })}
        {mayWrite && isSet && (
          <Row
            title={text.stripe.destroyRow}
            note={text.stripe.destroyNote}
            actions={
              <Button kind="danger" onClick={() => setDestroying(true)}>
                {text.stripe.destroy}
                <span className="hidden">, {text.mode.of[mode]}</span>
              </Button>
            }
          />
        )}
      </Rows>
      {editing && (
        <KeyDialog mode={mode} kind={editing} config={config} etag={etag} onClose={() => setEditing(null)} />
      )}
      {destroying && <Destruction mode={mode} etag={etag} onClose={() => setDestroying(false)} />}
    </Card>
  );
}

/** Who stored the credential, and when. */
function Origin({ mode, kind }: { mode: Mode; kind: Kind }) {
  const { id } = useProject();
  const { data: account } = useQuery(queries.me);
  const { data } = useQuery(queries.history(id, { page_size: 100 }));
  const field = fieldOf(mode, kind);
  const entry = data?.entries.find(
    ({ action, fields }) => action.startsWith('config.') && fields.some((each) => each.field === field),
  );
  if (!entry) return null;
  const { actor, at } = entry;
  const who = actor.subject === account?.id ? text.people.you : (actor.name ?? text.people[actor.kind]);
  return (
    <>
      · <span title={actor.subject}>{text.stripe.by(who)}</span>, <Ago at={at} />
    </>
  );
}

function Verdict({ status: { state, account_name, account_id } }: { status: Schema<'StripeModeStatus'> }) {
  if (state !== 'valid') return null;
  return (
    <>
      {' · '}
      <State tone="good">{text.stripe.accepted(account_name ?? account_id)}</State>
    </>
  );
}

function Overlap({ status: { webhook } }: { status: Schema<'StripeModeStatus'> }) {
  const { id } = useProject();
  const may = useMay();
  const end = useAct(
    () =>
      ask(
        api.PUT('/api/v1/payments/stripe/projects/{project_id}/config', {
          params: { path: { project_id: id }, query: { webhook_secret_overlap: 0 } },
          body: {},
        }),
      ),
    { changes: [[id]], done: text.stripe.overlapEnded },
  );
  const now = useNow();
  const until = webhook.former_secret_valid_until;
  if (until === null || Date.parse(until) < now) return null;
  return (
    <>
      {' · '}
      <State tone="warn">
        <span>
          {text.stripe.formerEnds} <Ago at={until} />
        </span>
      </State>{' '}
      {may('config:write') && (
        <Button
          kind="quiet"
          small
          busy={end.isPending}
          title={text.stripe.endOverlapHint}
          onClick={() => end.mutate()}
        >
          {text.stripe.endOverlap}
        </Button>
      )}
    </>
  );
}

function Destruction({ mode, etag, onClose }: { mode: Mode; etag: string | null; onClose: () => void }) {
  const project = useProject();
  const act = useAct(
    () =>
      ask(
        api.DELETE('/api/v1/payments/stripe/projects/{project_id}/config/{mode}', {
          params: {
            path: { project_id: project.id, mode },
            header: etag === null ? {} : { 'If-Match': etag },
          },
        }),
      ),
    { changes: [[project.id]], done: text.stripe.destroyed(text.mode.of[mode]), onDone: onClose },
  );
  return (
    <Confirmation
      open
      title={text.stripe.destroyTitle(text.mode.of[mode])}
      about={text.stripe.destroyAbout}
      word={project.name}
      verb={text.stripe.destroy}
      busy={act.isPending}
      error={act.error ? messageOf(act.error) : undefined}
      onConfirm={() => act.mutate()}
      onClose={onClose}
    />
  );
}
