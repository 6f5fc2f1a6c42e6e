import { useQuery, useQueryClient } from '@tanstack/react-query';
import * as queries from '../api/queries';
import { messageOf } from '../api/errors';
import type { Schema } from '../api/types';
import { useAddress, usePage } from '../shell/address';
import { useMay, useProject } from '../shell/project';
import { text } from '../text';
import { Ago } from '../ui/ago';
import { Card, Empty, Note, Page, State, Tag } from '../ui/content';
import { Button, Choice, Filters, FormError } from '../ui/controls';
import { Loaded } from '../ui/loaded';
import { type Column, Pager, Table } from '../ui/table';
import { useAct } from '../ui/use-act';

type Entry = Schema<'HistoryEntry'>;
type Actor = Schema<'HistoryActor'>;
type Action = Entry['action'];

export function History() {
  const { id } = useProject();
  const [page, setPage] = usePage();
  const [action, setAction] = useAddress<Action | ''>('action', '');
  const [actor, setActor] = useAddress('actor', '');
  const { data: account } = useQuery(queries.me);
  const filter = { action: action || undefined, actor: actor || undefined };
  const list = useQuery(queries.history(id, { ...filter, page, page_size: queries.PAGE_SIZE }));
  const actors = useActors(list.data?.entries ?? [], actor);
  const columns: Column<Entry>[] = [
    { name: text.history.what, cell: (entry) => <What entry={entry} /> },
    {
      name: text.history.who,
      cell: ({ actor: by }) => <span title={by.subject}>{nameOf(by, account?.id)}</span>,
    },
    {
      name: text.history.where,
      cell: ({ ip, user_agent }) => <span title={user_agent ?? undefined}>{ip}</span>,
    },
    { name: text.history.when, isNumber: true, cell: ({ at }) => <Ago at={at} /> },
  ];
  return (
    <Page title={text.nav.pages.history} about={text.history.about} actions={<Export filter={filter} />}>
      <Broken />
      <Filters>
        <Choice
          label={text.history.what}
          value={action}
          options={[['', text.history.anything] as const, ...actions()]}
          onChange={setAction}
        />
        <Choice
          label={text.history.who}
          value={actor}
          options={[['', text.history.anybody] as const, ...actors]}
          onChange={setActor}
        />
      </Filters>
      <Card
        title={text.history.list}
        aside={<Verified />}
        foot={
          list.data &&
          list.data.total > 0 && (
            <Pager page={page} pageSize={queries.PAGE_SIZE} total={list.data.total} onPage={setPage} />
          )
        }
      >
        <Loaded query={list} lines={8}>
          {({ entries }) =>
            entries.length > 0 ? (
              <Table label={text.history.list} columns={columns} items={entries} keyOf={({ seq }) => seq} />
            ) : action || actor ? (
              <Empty title={text.history.noMatch}>{text.history.noMatchAbout}</Empty>
            ) : (
              <Empty title={text.history.none}>{text.history.noneAbout}</Empty>
            )
          }
        </Loaded>
      </Card>
    </Page>
  );
}

const actions = () => Object.entries(text.history.actions) as [Action, string][];

/** Those who may be looked for: members, service accounts, and everybody on this page. */
function useActors(entries: Entry[], chosen: string): (readonly [string, string])[] {
  const { id } = useProject();
  const { data: account } = useQuery(queries.me);
  const { data: people } = useQuery(queries.members(id));
  const { data: machines = [] } = useQuery({
    ...queries.serviceAccounts(id),
    enabled: useMay()('service-accounts:write'),
  });
  const actors: Actor[] = [
    ...(account ? [person(account.id)] : []),
    ...(people?.members ?? []).map(({ subject }) => person(subject)),
    ...machines.map((each) => ({ kind: 'service_account' as const, subject: each.id, name: each.name })),
    ...entries.map(({ actor }) => actor),
    ...(chosen ? [person(chosen)] : []),
  ];
  const names = new Map<string, string>();
  for (const actor of actors)
    if (!names.has(actor.subject)) names.set(actor.subject, longNameOf(actor, account?.id));
  return [...names];
}

/** Modules, and parts of the system, have one name for all of a kind. */
const longNameOf = (actor: Actor, self: string | undefined): string =>
  actor.kind === 'module' || actor.kind === 'system'
    ? `${nameOf(actor, self)}, ${actor.subject}`
    : nameOf(actor, self);

const person = (subject: string): Actor => ({ kind: 'person', subject, name: null });

function Verified() {
  const { id } = useProject();
  const { data, isPending } = useQuery(queries.historyVerification(id));
  if (isPending) return <State tone="off">{text.history.verifying}</State>;
  if (!data) return null;
  return data.valid ? (
    <State tone="good">{text.history.verified(data.entries)}</State>
  ) : (
    <State tone="bad">{text.history.broken}</State>
  );
}

function Broken() {
  const { id } = useProject();
  const { data } = useQuery(queries.historyVerification(id));
  if (!data || data.valid) return null;
  return (
    <Note tone="bad" title={text.history.broken}>
      {data.problems.join(' ')} {text.history.brokenAbout}
    </Note>
  );
}

const nameOf = (actor: Actor, self: string | undefined): string =>
  actor.subject === self
    ? text.people.you
    : (actor.name ??
      (actor.kind === 'person' ? text.people.subject(actor.subject) : text.people[actor.kind]));

function What({ entry }: { entry: Entry }) {
  const { action, result, mode, fields, role, endpoint_id } = entry;
  const details = [
    ...fields.map(({ field, last_four }) => (last_four ? `${field} …${last_four}` : field)),
    ...[role && text.roles[role as Schema<'ProjectResponse'>['role']], endpoint_id],
  ].filter(Boolean);
  return (
    <span title={action}>
      {text.history.actions[action]}{' '}
      {mode && <Tag tone={mode === 'test' ? 'warn' : 'off'}>{text.mode[mode]}</Tag>}{' '}
      {result !== 'done' && (
        <Tag tone={result === 'valid' ? 'good' : 'bad'}>{text.history.results[result]}</Tag>
      )}
      {details.length > 0 && <span className="sub"> {details.join(', ')}</span>}
    </span>
  );
}

const CSV_COLUMNS = ['seq', 'at', 'action', 'result', 'actor_kind', 'actor', 'ip', 'mode', 'fields'] as const;

/** A cell that a spreadsheet can't take for a formula. */
const cell = (value: string | number | null) => {
  const written = String(value ?? '').replace(/^(?=[=+\-@\t\r])/, "'");
  return `"${written.replaceAll('"', '""')}"`;
};

function Export({ filter }: { filter: { action?: Action; actor?: string } }) {
  const { id } = useProject();
  const client = useQueryClient();
  const act = useAct(async () => {
    const rows = [CSV_COLUMNS.join(',')];
    for (let page = 1, read = 0, total = 1; read < total; page += 1) {
      const list = await client.fetchQuery(queries.history(id, { ...filter, page, page_size: 100 }));
      if (list.entries.length === 0) break;
      ({ total } = list);
      read += list.entries.length;
      for (const { seq, at, action, result, actor, ip, mode, fields } of list.entries)
        rows.push(
          [
            seq,
            at,
            action,
            result,
            actor.kind,
            actor.name ?? actor.subject,
            ip,
            mode,
            fields.map(({ field }) => field).join(' '),
          ]
            .map(cell)
            .join(','),
        );
    }
    download(`history-${id}.csv`, `${rows.join('\r\n')}\r\n`);
  });
  return (
    <>
      <FormError>{act.error && messageOf(act.error)}</FormError>
      <Button busy={act.isPending} onClick={() => act.mutate()}>
        {text.history.export}
      </Button>
    </>
  );
}

function download(name: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
