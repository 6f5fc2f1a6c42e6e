import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { api, ask } from '../../api/client';
import * as queries from '../../api/queries';
import type { Schema } from '../../api/types';
import { useAddress } from '../../shell/address';
import { destinationPath } from '../../shell/paths';
import { useProject } from '../../shell/project';
import { text } from '../../text';
import { Card, Empty, Row, Rows, Tag } from '../../ui/content';
import { Button } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { useAct } from '../../ui/use-act';
import { Destination } from './destination';
import { DestinationForm } from './destination-form';
import { DESTINATIONS, DestinationState } from './destination-state';
import { NewKey } from './issued-keys';

export function Destinations() {
  const { id } = useProject();
  const [opened] = useAddress('destination', '');
  const list = useQuery(queries.destinations(id));
  const one = list.data?.find((each) => each.id === opened);
  return one ? <Destination destination={one} /> : <List />;
}

function List() {
  const { id } = useProject();
  const list = useQuery(queries.destinations(id));
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const add = useAct(
    (body: Schema<'EventDestinationCreateRequest'>) =>
      ask(api.POST(DESTINATIONS, { params: { path: { project_id: id } }, body })),
    {
      changes: [[id, 'destinations']],
      onDone: (made) => {
        setAdding(false);
        setSecret(made.secret);
      },
    },
  );
  const open = () => {
    add.reset();
    setAdding(true);
  };
  return (
    <>
      <Card title={text.destinations.title} aside={<Button onClick={open}>{text.destinations.add}</Button>}>
        <Loaded query={list}>
          {(destinations) =>
            destinations.length === 0 ? (
              <Empty title={text.destinations.none}>{text.destinations.noneAbout}</Empty>
            ) : (
              <Rows>
                {destinations.map((each) => (
                  <Row
                    key={each.id}
                    title={
                      <span className="row">
                        <Link className="link" href={destinationPath(id, each.id)}>
                          {each.description ?? each.url}
                        </Link>
                        {each.mode && (
                          <Tag tone={each.mode === 'test' ? 'warn' : 'off'}>{text.mode[each.mode]}</Tag>
                        )}
                      </span>
                    }
                    note={
                      <>
                        {each.description && <code>{each.url} · </code>}
                        {each.event_types === null
                          ? text.destinations.allTypes
                          : text.destinations.typeCount(each.event_types.length)}
                      </>
                    }
                    actions={<DestinationState destination={each} />}
                  />
                ))}
              </Rows>
            )
          }
        </Loaded>
      </Card>
      {adding && (
        <DestinationForm
          busy={add.isPending}
          error={add.error}
          onSave={(body) => add.mutate(body)}
          onClose={() => setAdding(false)}
        />
      )}
      <NewKey
        value={secret}
        title={text.destinations.secret}
        about={text.destinations.secretAbout}
        onClose={() => setSecret(null)}
      />
    </>
  );
}
