import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { api, ask } from '../../api/client';
import { messageOf, translated } from '../../api/errors';
import * as queries from '../../api/queries';
import type { Schema } from '../../api/types';
import { useAddress } from '../../shell/address';
import { projectPath } from '../../shell/paths';
import { useProject } from '../../shell/project';
import { text } from '../../text';
import { number } from '../../text/format';
import { Ago, useNow } from '../../ui/ago';
import { Card, CardBody, Empty, Facts, Pre, Rows, Skeleton, Tag } from '../../ui/content';
import { Actions, Button, Choice, FormError } from '../../ui/controls';
import { Failed } from '../../ui/loaded';
import { Confirmation } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';
import { DestinationForm } from './destination-form';
import { DESTINATIONS, DestinationState } from './destination-state';
import { NewKey } from './issued-keys';

type Delivery = Schema<'EventDeliveryResponse'>;

const PATH = `${DESTINATIONS}/{destination_id}` as const;
const STATES = ['pending', 'delivered', 'failed'] as const;
const TONES = { pending: 'warn', delivered: 'good', failed: 'bad' } as const;

export function Destination({ destination }: { destination: Schema<'EventDestinationResponse'> }) {
  const { id } = useProject();
  const [, go] = useLocation();
  const now = useNow();
  const [asking, setAsking] = useState<'edit' | 'rotate' | 'delete' | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const params = { path: { project_id: id, destination_id: destination.id } };
  const changes = [[id, 'destinations']];
  const onDone = () => setAsking(null);
  const list = `${projectPath(id, 'access')}?tab=destinations`;
  const update = useAct(
    (body: Schema<'EventDestinationUpdateRequest'>) => ask(api.PUT(PATH, { params, body })),
    { changes, done: text.destinations.saved, onDone },
  );
  const rotate = useAct(() => ask(api.POST(`${PATH}/rotate`, { params, body: {} })), {
    changes,
    onDone: (answer) => {
      onDone();
      setSecret(answer.secret);
    },
  });
  const remove = useAct(() => ask(api.DELETE(PATH, { params })), {
    changes,
    done: text.destinations.deleted,
    onDone: () => go(list),
  });
  const test = useAct(() => ask(api.POST(`${PATH}/test`, { params })), {
    changes: [[id, 'deliveries', destination.id]],
    done: ({ state }) => text.destinations.tested[state],
  });
  const former = destination.former_secret_expires_at;
  const types = destination.event_types;
  return (
    <>
      <p>
        <Link className="link" href={list}>
          ← {text.destinations.title}
        </Link>
      </p>
      <Card
        title={destination.description ?? text.destinations.one}
        aside={<DestinationState destination={destination} />}
        foot={
          <>
            <span className="row">
              <Button busy={test.isPending} onClick={() => test.mutate()}>
                {text.destinations.test}
              </Button>
              <Button
                busy={update.isPending}
                onClick={() => update.mutate({ enabled: !destination.enabled })}
              >
                {destination.enabled ? text.destinations.disable : text.destinations.enable}
              </Button>
              <Button onClick={() => setAsking('edit')}>{text.destinations.editVerb}</Button>
              <Button onClick={() => setAsking('rotate')}>{text.destinations.rotate}</Button>
            </span>
            <Button kind="danger" onClick={() => setAsking('delete')}>
              {text.destinations.delete}
            </Button>
          </>
        }
      >
        <CardBody>
          <Facts
            facts={[
              [text.destinations.url, <code key="url">{destination.url}</code>],
              [text.mode.label, destination.mode ? text.mode.of[destination.mode] : text.mode.both],
              [
                text.destinations.types,
                types === null
                  ? text.destinations.allTypes
                  : types
                      .map((type) => text.eventTypes[type as keyof typeof text.eventTypes] ?? type)
                      .join(', '),
              ],
              [text.destinations.headers, destination.header_names.join(', ') || null],
              [
                text.destinations.lastFailure,
                destination.last_failure_at && <Ago key="failure" at={destination.last_failure_at} />,
              ],
              ...(former !== null && Date.parse(former) > now
                ? [[text.destinations.formerSecret, <Ago key="former" at={former} />] as const]
                : []),
            ]}
          />
          <FormError>{asking === null && update.error && messageOf(update.error)}</FormError>
          <FormError>{test.error && messageOf(test.error)}</FormError>
        </CardBody>
      </Card>
      <Deliveries destination={destination.id} />
      {asking === 'edit' && (
        <DestinationForm
          destination={destination}
          busy={update.isPending}
          error={update.error}
          onSave={(body) => update.mutate(body)}
          onClose={onDone}
        />
      )}
      <Confirmation
        open={asking === 'rotate'}
        title={text.destinations.rotate}
        about={text.destinations.rotateAbout}
        verb={text.destinations.rotate}
        busy={rotate.isPending}
        error={rotate.error ? messageOf(rotate.error) : undefined}
        onConfirm={() => rotate.mutate()}
        onClose={onDone}
      />
      <Confirmation
        open={asking === 'delete'}
        title={text.destinations.delete}
        about={text.destinations.deleteAbout}
        verb={text.destinations.delete}
        busy={remove.isPending}
        error={remove.error ? messageOf(remove.error) : undefined}
        onConfirm={() => remove.mutate()}
        onClose={onDone}
      />
      <NewKey
        value={secret}
        title={text.destinations.secret}
        about={text.destinations.secretAbout}
        onClose={() => setSecret(null)}
      />
    </>
  );
}

function Deliveries({ destination }: { destination: string }) {
  const { id } = useProject();
  const [wanted, setState] = useAddress('state', '');
  const state = STATES.find((each) => each === wanted);
  const list = useInfiniteQuery(queries.deliveries(id, destination, state));
  const items = list.data?.pages.flatMap(({ deliveries }) => deliveries) ?? [];
  return (
    <Card
      title={text.deliveries.title}
      aside={
        <Choice
          label={text.deliveries.state}
          hidesLabel
          value={state ?? ''}
          options={[
            ['', text.deliveries.all] as const,
            ...STATES.map((key) => [key, text.deliveries.states[key]] as const),
          ]}
          onChange={setState}
        />
      }
      foot={
        list.hasNextPage && (
          <Button kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {text.events.more}
          </Button>
        )
      }
    >
      {list.isPending ? (
        <Skeleton lines={5} />
      ) : list.isError && items.length === 0 ? (
        <Failed error={list.error} busy={list.isFetching} onRetry={() => void list.refetch()} />
      ) : items.length === 0 ? (
        <Empty title={text.deliveries.none}>{text.deliveries.noneAbout}</Empty>
      ) : (
        <Rows>
          {items.map((delivery) => (
            <DeliveryRow key={delivery.id} destination={destination} delivery={delivery} />
          ))}
        </Rows>
      )}
    </Card>
  );
}

const MAX_EXCERPT = 2_000;

function DeliveryRow({ destination, delivery }: { destination: string; delivery: Delivery }) {
  const { id } = useProject();
  const retry = useAct(
    () =>
      ask(
        api.POST(`${PATH}/deliveries/{delivery_id}/retry`, {
          params: { path: { project_id: id, destination_id: destination, delivery_id: delivery.id } },
        }),
      ),
    {
      changes: [
        [id, 'deliveries', destination],
        [id, 'destinations'],
      ],
      done: text.deliveries.retried,
    },
  );
  const { type, state, attempts, response, next_attempt_at: next } = delivery;
  return (
    <li>
      <details>
        <summary>
          <code>{type}</code> <Tag tone={TONES[state]}>{text.deliveries.states[state]}</Tag>{' '}
          <span className="sub">
            <Ago at={delivery.created_at} /> · {text.deliveries.attempts(attempts.length)}
            {next && (
              <>
                {' · '}
                {text.deliveries.next} <Ago at={next} />
              </>
            )}
          </span>
        </summary>
        <div className="stack">
          <Facts
            facts={[
              [text.events.id, <code key="id">{delivery.id}</code>],
              ...attempts.map(
                ({ at, status, duration_ms, error }, index) =>
                  [
                    text.deliveries.attempt(index + 1),
                    <span key={at}>
                      {status ?? text.deliveries.noAnswer} · {number(duration_ms)} ms · <Ago at={at} />
                      {error && ` · ${translated(error)}`}
                    </span>,
                  ] as const,
              ),
            ]}
          />
          {response && <Pre label={text.deliveries.answer}>{response.slice(0, MAX_EXCERPT)}</Pre>}
          <FormError>{retry.error && messageOf(retry.error)}</FormError>
          <Actions>
            <Button busy={retry.isPending} onClick={() => retry.mutate()}>
              {text.deliveries.retry}
            </Button>
          </Actions>
        </div>
      </details>
    </li>
  );
}
