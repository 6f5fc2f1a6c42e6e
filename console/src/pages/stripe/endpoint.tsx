import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { messageOf } from '../../api/errors';
import * as queries from '../../api/queries';
import type { Mode, Schema } from '../../api/types';
import { useMay, useProject } from '../../shell/project';
import { text } from '../../text';
import { Ago } from '../../ui/ago';
import { State } from '../../ui/content';
import { Button, CopyButton, FormError } from '../../ui/controls';
import { Confirmation, Dialog } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';

const PATH = '/api/v1/payments/stripe/projects/{project_id}/webhook-endpoints';

/** The webhook endpoint at Stripe, made and removed with one click. */
export function Endpoint({
  mode,
  status,
  hasKey,
}: {
  mode: Mode;
  status: Schema<'StripeModeStatus'> | undefined;
  hasKey: boolean;
}) {
  const { id } = useProject();
  const may = useMay();
  const [open, setOpen] = useState<'manage' | 'remove' | null>(null);
  const make = useAct(() => ask(api.POST(PATH, { params: { path: { project_id: id } }, body: { mode } })), {
    changes: [[id]],
    done: text.endpoint.made,
  });
  const remove = useAct(
    () => ask(api.DELETE(`${PATH}/{mode}`, { params: { path: { project_id: id, mode } } })),
    { changes: [[id]], done: text.endpoint.removed, onDone: () => setOpen(null) },
  );
  if (!status) return <span>{text.loading}</span>;
  const { endpoint_id, endpoint_problem, last_event_at } = status.webhook;
  return (
    <>
      <span>
        {endpoint_problem !== null ? (
          <State tone="bad">{text.needs.endpointProblems[endpoint_problem]}</State>
        ) : endpoint_id ? (
          text.endpoint.exists
        ) : (
          text.endpoint.none
        )}{' '}
        ·{' '}
        {last_event_at ? (
          <>
            {text.endpoint.lastEvent} <Ago at={last_event_at} />
          </>
        ) : (
          text.endpoint.noEvent
        )}
        <FormError>{make.error && messageOf(make.error)}</FormError>
      </span>
      <span className="row">
        {may('endpoints:write') && hasKey && (!endpoint_id || endpoint_problem !== null) && (
          <Button busy={make.isPending} onClick={() => make.mutate()}>
            {endpoint_id ? text.endpoint.repair : text.endpoint.make}
            <span className="hidden">, {text.mode.of[mode]}</span>
          </Button>
        )}
        <Button kind="quiet" small onClick={() => setOpen('manage')}>
          {text.endpoint.details}
          <span className="hidden">, {text.mode.of[mode]}</span>
        </Button>
      </span>
      <Dialog
        open={open === 'manage'}
        title={text.endpoint.title(text.mode.of[mode])}
        about={text.endpoint.about}
        onClose={() => setOpen(null)}
      >
        <Url mode={mode} />
        {endpoint_id && (
          <p className="sub">
            {text.endpoint.id} <code>{endpoint_id}</code>
          </p>
        )}
        <FormError>{make.error && messageOf(make.error)}</FormError>
        {endpoint_id && may('endpoints:write') && (
          <div className="row">
            <Button busy={make.isPending} onClick={() => make.mutate()}>
              {text.endpoint.update}
            </Button>
            <Button kind="danger" onClick={() => setOpen('remove')}>
              {text.endpoint.remove}
            </Button>
          </div>
        )}
      </Dialog>
      <Confirmation
        open={open === 'remove'}
        title={text.endpoint.removeTitle(text.mode.of[mode])}
        about={text.endpoint.removeAbout}
        verb={text.endpoint.remove}
        busy={remove.isPending}
        error={remove.error ? messageOf(remove.error) : undefined}
        onConfirm={() => remove.mutate()}
        onClose={() => setOpen(null)}
      />
    </>
  );
}

function Url({ mode }: { mode: Mode }) {
  const { id } = useProject();
  const { data } = useQuery(queries.webhookUrls(id));
  const url = data?.[`${mode}_webhook_url`];
  return url === undefined ? null : (
    <p>
      <code>{url}</code> <CopyButton value={url} label={text.endpoint.copyUrl} />
    </p>
  );
}
