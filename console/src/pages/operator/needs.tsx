import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import * as queries from '../../api/queries';
import type { Schema } from '../../api/types';
import { projectPath } from '../../shell/paths';
import { text } from '../../text';
import { Card, CardBody, Empty, Row, Rows, Skeleton } from '../../ui/content';
import { Button, ButtonLink, Field, Filters, Form } from '../../ui/controls';
import { Failed } from '../../ui/loaded';
import { Conditions, PROBLEMS } from './conditions';

type Project = Schema<'OperatorProjectResponse'>;

/** The projects of all tenants that need somebody, a few of each kind, and a search in all of them. */
export function OperatorNeeds() {
  const [, go] = useLocation();
  const [search, setSearch] = useState('');
  const found = useQueries({
    queries: (['unhealthy', ...PROBLEMS] as const).map(queries.projectsWith),
    combine: (results) => ({
      isPending: results.some(({ isPending }) => isPending),
      failed: results.find(({ isError }) => isError),
      projects: new Map(
        results
          .flatMap(({ data }) => data?.projects ?? [])
          .map((project): [string, Project] => [project.id, project]),
      ),
    }),
  });
  const { failed } = found;
  return (
    <Card
      title={text.nav.allProjects}
      aside={<ButtonLink href="/operator/projects">{text.system.showAll}</ButtonLink>}
    >
      <CardBody>
        <Form onSubmit={() => go(`/operator/projects?q=${encodeURIComponent(search.trim())}`)}>
          <Filters>
            <Field
              label={text.operator.search}
              type="search"
              value={search}
              onChange={({ target }) => setSearch(target.value)}
            />
            <Button type="submit">{text.nav.search}</Button>
          </Filters>
        </Form>
      </CardBody>
      {found.isPending ? (
        <Skeleton lines={3} />
      ) : failed ? (
        <Failed error={failed.error} busy={failed.isFetching} onRetry={() => void failed.refetch()} />
      ) : found.projects.size === 0 ? (
        <Empty title={text.operator.allWell}>{text.operator.allWellAbout}</Empty>
      ) : (
        <Rows>
          {[...found.projects.values()].map((project) => (
            <Row
              key={project.id}
              title={
                <Link className="link" href={projectPath(project.id)}>
                  {project.name}
                </Link>
              }
              actions={<Conditions project={project} />}
            />
          ))}
        </Rows>
      )}
    </Card>
  );
}
