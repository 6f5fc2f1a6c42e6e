import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { api, ask } from '../../api/client';
import { messageOf, translated } from '../../api/errors';
import type { Schema } from '../../api/types';
import { useMay, useProject } from '../../shell/project';
import { paymentPath, subscriptionPath } from '../../shell/paths';
import { text } from '../../text';
import { Ago } from '../../ui/ago';
import { Facts, Note, Pre } from '../../ui/content';
import { Actions, Button, CopyButton, FormError } from '../../ui/controls';
import { Dialog } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';
import { OutcomeTag } from './outcome';

/** Links to the subscription and the payment that an event is about. */
function objectsOf(
  project: string,
  { mode, subscription_id, payment_intent_id }: Schema<'StripeWebhookEvent'>,
): [string, ReactNode][] {
  const link = (id: string, pathOf: typeof paymentPath) => (
    <Link key={id} className="link" href={pathOf(project, id, mode === 'test')}>
      <code>{id}</code>
    </Link>
  );
  return [
    ...(subscription_id ? [[text.money.subscription, link(subscription_id, subscriptionPath)] as const] : []),
    ...(payment_intent_id ? [[text.money.payment, link(payment_intent_id, paymentPath)] as const] : []),
  ].map(([name, value]) => [name, value]);
}

export function EventDialog({
  id,
  event,
  onClose,
}: {
  id: string;
  event: Schema<'StripeWebhookEvent'> | undefined;
  onClose: () => void;
}) {
  const project = useProject();
  const may = useMay();
  const replay = useAct(
    () =>
      ask(
        api.POST('/api/v1/payments/stripe/projects/{project_id}/webhook-events/{event_id}/replay', {
          params: { path: { project_id: project.id, event_id: id } },
        }),
      ),
    {
      changes: [[project.id]],
      done: ({ outcome }) => text.events.replayed(text.events.outcomes[outcome]),
    },
  );
  const payload = useAct(() =>
    ask(
      api.GET('/api/v1/payments/stripe/projects/{project_id}/webhook-events/{event_id}/payload', {
        params: { path: { project_id: project.id, event_id: id } },
      }),
    ),
  );
  return (
    <Dialog open light title={event?.type ?? text.events.one} onClose={onClose}>
      {event ? (
        <div className="stack">
          <Facts
            facts={[
              [
                text.events.id,
                <span key="id">
                  <code>{event.id}</code> <CopyButton value={event.id} label={text.events.copyId} />
                </span>,
              ],
              [text.mode.label, text.mode[event.mode]],
              [text.events.outcome, <OutcomeTag key="outcome" outcome={event.outcome} />],
              [text.events.reason, event.reason && translated(event.reason)],
              ...objectsOf(project.id, event),
              [text.events.created, <Ago key="created" at={event.created_at} />],
              [text.events.received, <Ago key="received" at={event.received_at} />],
              [text.events.processed, <Ago key="processed" at={event.processed_at} />],
              [text.events.duplicates, event.duplicate_count],
              [
                text.events.lastFailure,
                event.last_failure_at && (
                  <span key="failure">
                    <Ago at={event.last_failure_at} /> · {translated(event.last_failure_reason ?? '')}
                  </span>
                ),
              ],
              [text.events.apiVersion, event.api_version],
            ]}
          />
          {!event.replayable && <p className="sub">{text.events.notReplayable}</p>}
        </div>
      ) : (
        <Note tone="info">{text.events.notInList(id)}</Note>
      )}
      {payload.data && (
        <>
          <Pre label={text.events.payload}>{JSON.stringify(payload.data, null, 2)}</Pre>
          <CopyButton value={JSON.stringify(payload.data)} label={text.events.copyPayload} />
        </>
      )}
      <FormError>{payload.error && messageOf(payload.error)}</FormError>
      <FormError>{replay.error && messageOf(replay.error)}</FormError>
      <Actions>
        <Button onClick={onClose}>{text.close}</Button>
        {event?.replayable && may('events:payload') && !payload.data && (
          <Button busy={payload.isPending} title={text.events.payloadHint} onClick={() => payload.mutate()}>
            {text.events.showPayload}
          </Button>
        )}
        {event?.replayable && may('events:replay') && (
          <Button busy={replay.isPending} onClick={() => replay.mutate()}>
            {text.events.replay}
          </Button>
        )}
      </Actions>
    </Dialog>
  );
}
