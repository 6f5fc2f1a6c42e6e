import { useInfiniteQuery } from '@tanstack/react-query';
import { memo, useEffect, useRef, useState } from 'react';
import { translated } from '../../api/errors';
import * as queries from '../../api/queries';
import { type Mode, MODES, type Schema } from '../../api/types';
import { useAddress } from '../../shell/address';
import { useMay, useProject } from '../../shell/project';
import { text } from '../../text';
import { Ago } from '../../ui/ago';
import { Card, Empty, Note, Page, Skeleton } from '../../ui/content';
import { Button, Checkbox, Choice, Field, Filters } from '../../ui/controls';
import { Failed } from '../../ui/loaded';
import { EventDialog } from './event-dialog';
import styles from './events.module.css';
import { type Outcome, OUTCOMES, OutcomeTag } from './outcome';
import { Reconcile } from './reconcile';

type Event = Schema<'StripeWebhookEvent'>;
export function Events() {
  const { id } = useProject();
  const may = useMay();
  const [mode, setMode] = useAddress<Mode | ''>('mode', '');
  const [outcome, setOutcome] = useAddress<Outcome | ''>('outcome', '');
  const [type, setType] = useAddress('type', '');
  const [object, setObject] = useAddress('object', '');
  const [follow, setFollow] = useAddress<'' | 'on'>('follow', '');
  const [opened, open] = useAddress('event', '');
  const query = {
    mode: mode || undefined,
    outcome: outcome || undefined,
    type: type || undefined,
    object_id: object || undefined,
  };
  const list = useInfiniteQuery(queries.events(id, query, follow === 'on'));
  const pages = list.data?.pages ?? [];
  const total = pages[0]?.total ?? 0;
  const isFiltered = mode !== '' || outcome !== '' || type !== '' || object !== '';
  const event = pages.flatMap(({ events }) => events).find((each) => each.id === opened);
  return (
    <Page
      title={text.nav.pages.events}
      about={text.events.about}
      actions={may('events:reconcile') && <Reconcile />}
    >
      <Refusals refusals={pages[0]?.refusals ?? []} />
      <Filters>
        <Choice
          label={text.mode.label}
          value={mode}
          options={[['', text.mode.both] as const, ...MODES.map((key) => [key, text.mode[key]] as const)]}
          onChange={setMode}
        />
        <Choice
          label={text.events.outcome}
          value={outcome}
          options={[
            ['', text.events.any] as const,
            ...OUTCOMES.map((key) => [key, text.events.outcomes[key]] as const),
          ]}
          onChange={setOutcome}
        />
        <Field
          label={text.events.type}
          type="search"
          placeholder="invoice.paid"
          value={type}
          onChange={({ target }) => setType(target.value.trim())}
        />
        <Field
          label={text.events.object}
          type="search"
          placeholder="sub_… / pi_…"
          value={object}
          onChange={({ target }) => setObject(target.value.trim())}
        />
        <Checkbox
          label={text.events.follow}
          checked={follow === 'on'}
          onChange={({ target }) => setFollow(target.checked ? 'on' : '')}
        />
      </Filters>
      <Card
        title={text.events.list}
        aside={<span className="sub">{list.data && text.events.count(total)}</span>}
        foot={
          list.hasNextPage && <More busy={list.isFetchingNextPage} onMore={() => void list.fetchNextPage()} />
        }
      >
        {list.isPending ? (
          <Skeleton lines={8} />
        ) : list.isError && pages.length === 0 ? (
          <Failed error={list.error} busy={list.isFetching} onRetry={() => void list.refetch()} />
        ) : total === 0 ? (
          <Empty title={isFiltered ? text.events.noMatch : text.events.none}>
            {isFiltered ? text.events.noMatchAbout : text.events.noneAbout}
          </Empty>
        ) : (
          <div className={styles.list} role="table" aria-label={text.events.list} aria-rowcount={total}>
            <div role="rowgroup">
              <div className={styles.head} role="row">
                {text.events.columns.map((name, index) => (
                  <span key={name} role="columnheader" className={index === 4 ? styles.last : undefined}>
                    {name}
                  </span>
                ))}
              </div>
            </div>
            {pages.map(({ page, events }) => (
              <Chunk key={page} events={events} onOpen={open} />
            ))}
          </div>
        )}
      </Card>
      {opened !== '' && <EventDialog id={opened} event={event} onClose={() => open('')} />}
    </Page>
  );
}

/** Pages that are further away have no rows in the document. */
const NEAR = '1200px';

/** A page of the list. Far from the screen only its height is left, so that long lists scroll smoothly. */
const Chunk = memo(function Chunk({ events, onOpen }: { events: Event[]; onOpen: (id: string) => void }) {
  const place = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState<number | null>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        const entry = entries.at(-1);
        if (entry) setHeight(entry.isIntersecting ? null : entry.boundingClientRect.height);
      },
      { rootMargin: NEAR },
    );
    if (place.current) observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  if (height !== null) return <div ref={place} style={{ height }} />;
  return (
    <div ref={place} role="rowgroup">
      {events.map((event) => (
        <div key={`${event.mode} ${event.id}`} className={styles.event} role="row">
          <span role="cell">
            <button type="button" title={event.id} onClick={() => onOpen(event.id)}>
              {event.type}
            </button>
          </span>
          <span role="cell">
            <OutcomeTag outcome={event.outcome} />
          </span>
          <span
            role="cell"
            className={styles.reason}
            title={event.reason ? translated(event.reason) : undefined}
          >
            {event.reason && translated(event.reason)}
          </span>
          <span role="cell" className={styles.mode}>
            {text.mode[event.mode]}
          </span>
          <span role="cell" className={styles.last}>
            <Ago at={event.received_at} />
          </span>
        </div>
      ))}
    </div>
  );
});

/** Loads the next page when it comes into sight; also a button for the keyboard. */
function More({ busy, onMore }: { busy: boolean; onMore: () => void }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => entries.at(-1)?.isIntersecting && !busy && onMore(),
      {
        rootMargin: '600px',
      },
    );
    if (place.current) observer.observe(place.current);
    return () => observer.disconnect();
  }, [busy, onMore]);
  return (
    <span ref={place}>
      <Button kind="quiet" busy={busy} onClick={onMore}>
        {text.events.more}
      </Button>
    </span>
  );
}

function Refusals({ refusals }: { refusals: Schema<'StripeWebhookRefusals'>[] }) {
  return refusals.map(({ mode, reason, count, last_at }) => (
    <Note key={`${mode} ${reason}`} title={text.events.refused(count, text.mode.of[mode])}>
      {text.events.refusals[reason]} {text.events.lastRefused} <Ago at={last_at} />.
    </Note>
  ));
}
