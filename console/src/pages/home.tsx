import { type QueryClient, useQueries, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { hasPermission } from '../../../src/projects/permissions/permissions';
import * as queries from '../api/queries';
import { hasScopes } from '../api/session';
import type { Schema } from '../api/types';
import { projectPath } from '../shell/paths';
import { text } from '../text';
import { Card, Empty, Page, Row, Rows, Skeleton, State } from '../ui/content';
import { ButtonLink } from '../ui/controls';
import { Loaded } from '../ui/loaded';
import { byUrgency, type Need, needsOf } from './needs';
import { OperatorNeeds } from './operator/needs';

/** Each costs up to five requests. */
const MAX_CHECKED = 12;

export function Home() {
  const list = useQuery(queries.projects);
  const { data: isOperator } = useQuery({ ...queries.isOperator, enabled: hasScopes() });
  return (
    <Page
      title={text.home.title}
      about={text.home.about}
      actions={
        <>
          <ButtonLink href="/projects/new">{text.nav.newProject}</ButtonLink>
        </>
      }
    >
      {isOperator && <OperatorNeeds />}
      <Loaded
        query={list}
        skeleton={
          <Card title={text.home.needs}>
            <Skeleton lines={5} />
          </Card>
        }
      >
        {(projects) =>
          projects.length === 0 ? (
            <Card title={text.home.projects}>
              <Empty
                title={text.home.empty}
                action={
                  <ButtonLink kind="primary" href="/projects/new">
                    {text.nav.newProject}
                  </ButtonLink>
                }
              >
                {text.home.emptyAbout}
              </Empty>
            </Card>
          ) : (
            <Projects projects={projects} />
          )
        }
      </Loaded>
    </Page>
  );
}

function useNeeds(projects: readonly Schema<'ProjectResponse'>[]) {
  const checked = projects.slice(0, MAX_CHECKED);
  return useQueries({
    queries: checked.map((project) => ({
      queryKey: [project.id, 'needs'],
      refetchInterval: queries.MINUTE,
      queryFn: async ({ client }: { client: QueryClient }) => {
        const [{ config }, status, problems, destinations] = await Promise.all([
          client.fetchQuery(queries.config(project.id)),
          client.fetchQuery(queries.status(project.id)),
          client.fetchQuery(queries.problemEvents(project.id)),
          hasPermission(project.role, 'event-destinations:write')
            ? client.fetchQuery(queries.destinations(project.id))
            : [],
        ]);
        return { project, needs: needsOf(project.id, { config, status, problems, destinations }) };
      },
    })),
    combine: (results) => ({
      isPending: results.some((result) => result.isPending),
      failed: results.filter((result) => result.isError).length,
      answers: results.flatMap(({ data }) => data ?? []),
    }),
  });
}

const TONES = { bad: 'bad', warn: 'warn', info: 'off' } as const;

function Projects({ projects }: { projects: Schema<'ProjectResponse'>[] }) {
  const { isPending, failed, answers } = useNeeds(projects);
  const items = answers
    .flatMap(({ project, needs }) => needs.map((need) => ({ project, need })))
    .sort((one, other) => byUrgency(one.need, other.need));
  const worst = new Map(answers.map(({ project, needs }) => [project.id, needs[0]]));
  return (
    <>
      <Card title={text.home.needs}>
        {items.length > 0 && (
          <Rows>
            {items.map(({ project, need }) => (
              <Row
                key={`${project.id} ${need.key}`}
                title={<State tone={TONES[need.tone]}>{need.title}</State>}
                note={
                  <>
                    {project.name} · {need.about}
                  </>
                }
                actions={<ButtonLink href={need.href}>{need.action}</ButtonLink>}
              />
            ))}
          </Rows>
        )}
        {isPending && <Skeleton lines={3} />}
        {!isPending && items.length === 0 && failed === 0 && (
          <Empty title={text.home.nothing}>{text.home.nothingAbout}</Empty>
        )}
        {failed > 0 && <Empty title={text.home.unknown(failed)}>{text.home.unknownAbout}</Empty>}
      </Card>
      <Card
        title={text.home.projects}
        aside={<span className="sub">{text.nav.projectCount(projects.length)}</span>}
      >
        <Rows>
          {projects.map((project) => (
            <Row
              key={project.id}
              title={<Link href={projectPath(project.id)}>{project.name}</Link>}
              note={project.description ?? text.roles[project.role]}
              actions={<Health need={worst.get(project.id)} known={worst.has(project.id)} />}
            />
          ))}
        </Rows>
      </Card>
    </>
  );
}

function Health({ need, known }: { need: Need | undefined; known: boolean }) {
  if (!known) return null;
  return need ? (
    <State tone={TONES[need.tone]}>{need.tone === 'info' ? text.home.notSetUp : text.home.needsYou}</State>
  ) : (
    <State tone="good">{text.home.working}</State>
  );
}
