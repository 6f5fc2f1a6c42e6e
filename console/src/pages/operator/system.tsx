import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import * as queries from '../../api/queries';
import type { Schema } from '../../api/types';
import { projectPath } from '../../shell/paths';
import { text } from '../../text';
import { dayOf, number } from '../../text/format';
import { Ago } from '../../ui/ago';
import { Card, CardBody, Empty, Facts, Note, Page, Row, Rows, Skeleton, State } from '../../ui/content';
import { ButtonLink } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { Table } from '../../ui/table';

type System = Schema<'OperatorSystemResponse'>;

/** A count that stops there has more behind it. */
const MAX_COUNTED = 10_000;
const counted = (count: number) =>
  count >= MAX_COUNTED ? text.system.atLeast(number(count)) : number(count);

export function System() {
  const system = useQuery(queries.system);
  return (
    <Page title={text.nav.system} about={text.system.about}>
      <Loaded
        query={system}
        skeleton={
          <Card title={text.system.processes}>
            <Skeleton lines={8} />
          </Card>
        }
      >
        {(state) => (
          <>
            <Warnings state={state} />
            <div className="cols">
              <Backlogs state={state} />
              <Keys keys={state.data_keys} />
            </div>
            <Processes processes={state.processes} />
          </>
        )}
      </Loaded>
      <Unhealthy />
    </Page>
  );
}

function Warnings({ state: { processes, change_notifications } }: { state: System }) {
  const versions = new Set(processes.map(({ version }) => version));
  const lacking = processes.filter(({ lacks }) => lacks.length > 0);
  return (
    <>
      {lacking.length > 0 && (
        <Note tone="bad" title={text.system.lacking}>
          {lacking.map(({ name }) => name).join(', ')} · {text.system.lackingAbout}
        </Note>
      )}
      {change_notifications === 'lost' && <Note title={text.system.lost}>{text.system.lostAbout}</Note>}
      {versions.size > 1 && (
        <Note tone="info" title={text.system.mixed}>
          {text.system.mixedAbout}
        </Note>
      )}
    </>
  );
}

function Backlogs({ state: { backlogs, change_notifications } }: { state: System }) {
  const { webhooks, event_deliveries, listeners } = backlogs;
  const row = ({ waiting, oldest_at }: Schema<'SystemBacklog'>) =>
    oldest_at === null ? (
      <State tone="good">{text.system.nothing}</State>
    ) : (
      <span>
        {counted(waiting)} · {text.system.oldest} <Ago at={oldest_at} />
      </span>
    );
  return (
    <Card title={text.system.backlogs}>
      <CardBody>
        <Facts
          facts={[
            [text.system.webhooks, row(webhooks)],
            [text.system.deliveries, row(event_deliveries)],
            [text.system.listeners, row(listeners)],
            [
              text.system.notifications,
              <State key="notifications" tone={change_notifications === 'arriving' ? 'good' : 'warn'}>
                {text.system.notificationStates[change_notifications]}
              </State>,
            ],
          ]}
        />
      </CardBody>
    </Card>
  );
}

function Keys({ keys }: { keys: System['data_keys'] }) {
  const old = keys.filter(({ rows }) => rows !== null && rows > 0);
  return (
    <Card title={text.system.keys}>
      <CardBody>
        <div className="stack">
          <Facts
            facts={keys.map(({ id, state, rows, created_at, master_key }) => [
              text.system.keyStates[state],
              <span key={id}>
                <code title={text.system.wrappedBy(master_key)}>{id}</code> · {text.system.since}{' '}
                {dayOf(created_at)}
                {rows !== null && ` · ${text.system.rows(counted(rows), rows)}`}
              </span>,
            ])}
          />
          <p className="sub">
            {old.length > 0 ? (
              <>
                {text.system.oldKeysAbout} <code>tillkeeper keys rotate-data</code>
              </>
            ) : (
              text.system.keysAbout
            )}
          </p>
        </div>
      </CardBody>
    </Card>
  );
}

function Processes({ processes }: { processes: System['processes'] }) {
  return (
    <Card title={text.system.processes} aside={<span className="sub">{number(processes.length)}</span>}>
      <Table
        label={text.system.processes}
        items={processes}
        keyOf={({ name }) => name}
        columns={[
          { name: text.system.process, cell: ({ name }) => name },
          { name: text.system.version, cell: ({ version }) => version },
          {
            name: text.system.processKeys,
            cell: ({ lacks }) =>
              lacks.length === 0 ? (
                <State tone="good">{text.system.hasAll}</State>
              ) : (
                <State tone="bad">{text.system.lacks(lacks.join(', '))}</State>
              ),
          },
          { name: text.system.answered, isNumber: true, cell: ({ answered_at }) => <Ago at={answered_at} /> },
        ]}
      />
    </Card>
  );
}

function Unhealthy() {
  const list = useQuery(queries.projectsWith('unhealthy'));
  return (
    <Card
      title={text.system.projects}
      aside={<ButtonLink href="/operator/projects?health=unhealthy">{text.system.showAll}</ButtonLink>}
    >
      <Loaded query={list} lines={3}>
        {({ projects }) =>
          projects.length === 0 ? (
            <Empty title={text.system.noProject}>{text.system.noProjectAbout}</Empty>
          ) : (
            <Rows>
              {projects.map(({ id, name, owner_id }) => (
                <Row
                  key={id}
                  title={
                    <Link className="link" href={projectPath(id)}>
                      {name}
                    </Link>
                  }
                  note={
                    <>
                      {text.operator.owner} <code title={owner_id}>{text.people.subject(owner_id)}</code>
                    </>
                  }
                  actions={<State tone="bad">{text.operator.healths.unhealthy}</State>}
                />
              ))}
            </Rows>
          )
        }
      </Loaded>
    </Card>
  );
}
