import { useInfiniteQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { Link } from 'wouter';
import * as queries from '../../api/queries';
import { useAddress } from '../../shell/address';
import { projectPath } from '../../shell/paths';
import { text } from '../../text';
import { Ago } from '../../ui/ago';
import { Card, Empty, Page, Skeleton } from '../../ui/content';
import { Button, Choice, Field, Filters } from '../../ui/controls';
import { Failed } from '../../ui/loaded';
import { Table } from '../../ui/table';
import { Conditions, type Health, HEALTHS, type Problem, PROBLEMS } from './conditions';

export function AllProjects() {
  const [health, setHealth] = useAddress<Health | Problem | ''>('health', '');
  const [search, setSearch] = useAddress('q', '');
  const q = useDeferredValue(search.trim());
  const list = useInfiniteQuery(
    queries.operatorProjects({ limit: 50, ...(health && { health }), ...(q && { q }) }),
  );
  const items = list.data?.pages.flatMap(({ projects }) => projects) ?? [];
  return (
    <Page title={text.nav.allProjects} about={text.operator.about}>
      <Filters>
        <Field
          label={text.operator.search}
          type="search"
          value={search}
          onChange={({ target }) => setSearch(target.value)}
        />
        <Choice
          label={text.operator.health}
          value={health}
          options={[
            ['', text.events.any] as const,
            ...HEALTHS.map((key) => [key, text.operator.healths[key]] as const),
            ...PROBLEMS.map((key) => [key, text.operator.problems[key]] as const),
          ]}
          onChange={setHealth}
        />
      </Filters>
      <Card
        title={text.home.projects}
        foot={
          list.hasNextPage && (
            <Button kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {text.events.more}
            </Button>
          )
        }
      >
        {list.isPending ? (
          <Skeleton lines={8} />
        ) : list.isError ? (
          <Failed error={list.error} busy={list.isFetching} onRetry={() => void list.refetch()} />
        ) : items.length === 0 ? (
          <Empty title={text.operator.none}>{text.operator.noneAbout}</Empty>
        ) : (
          <Table
            label={text.home.projects}
            items={items}
            keyOf={({ id }) => id}
            columns={[
              {
                name: text.newProject.name,
                cell: ({ id, name }) => (
                  <Link className="link" href={projectPath(id)}>
                    {name}
                  </Link>
                ),
              },
              {
                name: text.operator.health,
                cell: (project) => <Conditions project={project} />,
              },
              {
                name: text.operator.owner,
                cell: ({ owner_id }) => <code title={owner_id}>{text.people.subject(owner_id)}</code>,
              },
              { name: text.money.created, isNumber: true, cell: ({ created_at }) => <Ago at={created_at} /> },
            ]}
          />
        )}
      </Card>
    </Page>
  );
}
