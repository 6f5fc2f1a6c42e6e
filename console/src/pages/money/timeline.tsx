import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { translated } from '../../api/errors';
import * as queries from '../../api/queries';
import type { Mode } from '../../api/types';
import { eventPath } from '../../shell/paths';
import { useMay, useProject } from '../../shell/project';
import { text } from '../../text';
import { Ago } from '../../ui/ago';
import { Card, CardBody, Empty, Timeline } from '../../ui/content';
import { Button } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { OutcomeTag } from '../events/outcome';

/** The events that made a subscription or a payment what it is, the latest first. */
export function EventTimeline({ objectId, mode }: { objectId: string; mode: Mode }) {
  const { id } = useProject();
  const may = useMay();
  const query = useInfiniteQuery({
    ...queries.events(id, { object_id: objectId, mode }),
    enabled: may('events:read'),
  });
  if (!may('events:read')) return null;
  return (
    <Card
      title={text.money.timeline}
      foot={
        query.hasNextPage && (
          <Button kind="quiet" busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {text.events.more}
          </Button>
        )
      }
    >
      <Loaded query={query} lines={4}>
        {({ pages }) => {
          const events = pages
            .flatMap((page) => page.events)
            .sort((one, other) => other.created_at.localeCompare(one.created_at));
          return events.length === 0 ? (
            <Empty title={text.money.noEvents}>{text.money.noEventsAbout}</Empty>
          ) : (
            <CardBody>
              <Timeline>
                {events.map((event) => (
                  <li key={event.id}>
                    <div className="row">
                      <Link className="link" href={eventPath(id, objectId, event.id)} title={event.type}>
                        {text.events.types[event.type] ?? event.type}
                      </Link>
                      <OutcomeTag outcome={event.outcome} />
                    </div>
                    <div className="sub">
                      <Ago at={event.created_at} />
                      {event.reason && ` · ${translated(event.reason)}`}
                    </div>
                  </li>
                ))}
              </Timeline>
            </CardBody>
          );
        }}
      </Loaded>
    </Card>
  );
}
