import { useQuery, useQueryClient } from '@tanstack/react-query';
import * as queries from '../api/queries';
import { messageOf } from '../api/errors';
import type { Schema } from '../api/types';
import { usePage } from '../shell/address';
import { useProject } from '../shell/project';
import { text } from '../text';
import { Ago } from '../ui/ago';
import { Card, Empty, Page, Tag } from '../ui/content';
import { Button, FormError } from '../ui/controls';
import { Loaded } from '../ui/loaded';
import { type Column, Pager, Table } from '../ui/table';
import { useAct } from '../ui/use-act';

type Entry = Schema<'HistoryEntry'>;

export function History() {
  const { id } = useProject();
  const [page, setPage] = usePage();
  const { data: account } = useQuery(queries.me);
  const list = useQuery(queries.history(id, page));
  const columns: Column<Entry>[] = [
    { name: text.history.what, cell: (entry) => <What entry={entry} /> },
    {
      name: text.history.who,
      cell: ({ actor }) => <span title={actor.subject}>{nameOf(actor, account?.id)}</span>,
    },
    {
      name: text.history.where,
      cell: ({ ip, user_agent }) => <span title={user_agent ?? undefined}>{ip}</span>,
    },
    { name: text.history.when, isNumber: true, cell: ({ at }) => <Ago at={at} /> },
  ];
  return (
    <Page title={text.nav.pages.history} about={text.history.about} actions={<Export />}>
      <Card
        title={text.history.list}
        foot={
          list.data &&
          list.data.total > 0 && (
            <Pager page={page} pageSize={queries.PAGE_SIZE} total={list.data.total} onPage={setPage} />
          )
        }
      >
        <Loaded query={list} lines={8}>
          {({ entries }) =>
            entries.length === 0 ? (
              <Empty title={text.history.none}>{text.history.noneAbout}</Empty>
            ) : (
              <Table label={text.history.list} columns={columns} items={entries} keyOf={({ seq }) => seq} />
            )
          }
        </Loaded>
      </Card>
    </Page>
  );
}

const nameOf = (actor: Schema<'HistoryActor'>, self: string | undefined): string =>
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

function Export() {
  const { id } = useProject();
  const client = useQueryClient();
  const act = useAct(async () => {
    const rows = [CSV_COLUMNS.join(',')];
    for (let page = 1, read = 0, total = 1; read < total; page += 1) {
      const list = await client.fetchQuery(queries.history(id, page, 100));
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
