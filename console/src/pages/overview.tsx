import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { api, ask } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import * as queries from '../api/queries';
import { MODES } from '../api/types';
import { projectPath } from '../shell/paths';
import { useMay, useProject } from '../shell/project';
import { text } from '../text';
import { Ago } from '../ui/ago';
import { Card, CardBody, Empty, Facts, Note, Page, Skeleton } from '../ui/content';
import { Actions, Button, ButtonLink, CopyButton, Field, Form, FormError } from '../ui/controls';
import { Loaded } from '../ui/loaded';
import { Confirmation } from '../ui/overlays';
import { useAct } from '../ui/use-act';
import { needsOf } from './needs';
import { ModeState } from './stripe/mode-state';

export function Overview() {
  const project = useProject();
  const config = useQuery(queries.config(project.id));
  const status = useQuery(queries.status(project.id));
  const problems = useQuery(queries.problemEvents(project.id));
  const may = useMay();
  const seesDestinations = may('event-destinations:write');
  const destinations = useQuery({ ...queries.destinations(project.id), enabled: seesDestinations });
  const needs =
    config.data && status.data && problems.data && (destinations.data || !seesDestinations)
      ? needsOf(project.id, {
          config: config.data.config,
          status: status.data,
          problems: problems.data,
          destinations: destinations.data ?? [],
        })
      : undefined;
  return (
    <Page title={project.name} about={project.description ?? text.overview.about}>
      {needs?.map(({ key, tone, title, about, href, action }) => (
        <Note key={key} tone={tone} title={title} action={<ButtonLink href={href}>{action}</ButtonLink>}>
          {about}
        </Note>
      ))}
      <div className="cols">
        {MODES.map((mode) => (
          <Card
            key={mode}
            title={text.mode.of[mode]}
            mode={mode}
            foot={
              <>
                <ButtonLink href={`${projectPath(project.id, 'money')}?mode=${mode}`}>
                  {text.nav.pages.money}
                </ButtonLink>
                <ButtonLink href={`${projectPath(project.id, 'events')}?mode=${mode}`}>
                  {text.nav.pages.events}
                </ButtonLink>
              </>
            }
          >
            <CardBody>
              <Loaded query={status} skeleton={<Skeleton lines={3} />}>
                {({ [mode]: state }) => (
                  <Facts
                    facts={[
                      [text.overview.key, <ModeState key="key" status={state} />],
                      [text.overview.account, state.account_name ?? state.account_id],
                      [
                        text.overview.lastEvent,
                        state.webhook.last_event_at ? (
                          <Ago key="event" at={state.webhook.last_event_at} />
                        ) : (
                          text.overview.noEvent
                        ),
                      ],
                    ]}
                  />
                )}
              </Loaded>
            </CardBody>
          </Card>
        ))}
      </div>
      {needs?.length === 0 && (
        <Card title={text.home.needs}>
          <Empty title={text.home.nothing}>{text.home.nothingAbout}</Empty>
        </Card>
      )}
      <Settings />
    </Page>
  );
}

function Settings() {
  const project = useProject();
  const may = useMay();
  const [, go] = useLocation();
  const [name, setName] = useState(project.name);
  const [description, setDescription] = useState(project.description ?? '');
  const [deleting, setDeleting] = useState(false);
  const params = { path: { project_id: project.id } };
  const changes = [queries.projects.queryKey];
  const save = useAct(
    () =>
      ask(
        api.PUT('/api/v1/projects/{project_id}', {
          params,
          body: { name, description: description || null },
        }),
      ),
    { changes, done: text.overview.saved },
  );
  const remove = useAct(() => ask(api.DELETE('/api/v1/projects/{project_id}', { params })), {
    changes,
    done: text.overview.deleted,
    onDone: () => go('/'),
  });
  const problems = save.error instanceof ApiError ? save.error : undefined;
  return (
    <Card
      title={text.overview.settings}
      foot={
        <>
          <span>
            {text.overview.id} <code>{project.id}</code>{' '}
            <CopyButton value={project.id} label={text.overview.copyId} />
          </span>
          {may('project:delete') && (
            <Button kind="danger" onClick={() => setDeleting(true)}>
              {text.overview.delete}
            </Button>
          )}
        </>
      }
    >
      <CardBody>
        {may('project:write') ? (
          <Form onSubmit={() => save.mutate()}>
            <Field
              label={text.newProject.name}
              value={name}
              error={problems?.of('name')}
              onChange={({ target }) => setName(target.value)}
            />
            <Field
              label={text.newProject.description}
              value={description}
              error={problems?.of('description')}
              onChange={({ target }) => setDescription(target.value)}
            />
            <FormError>{save.error && !problems?.problems.length && messageOf(save.error)}</FormError>
            <Actions>
              <Button
                type="submit"
                busy={save.isPending}
                disabled={
                  !name.trim() || (name === project.name && description === (project.description ?? ''))
                }
              >
                {text.overview.save}
              </Button>
            </Actions>
          </Form>
        ) : (
          <Facts
            facts={[
              [text.newProject.name, project.name],
              [text.newProject.description, project.description],
              [text.overview.yourRole, text.roles[project.role]],
            ]}
          />
        )}
      </CardBody>
      <Confirmation
        open={deleting}
        title={text.overview.deleteTitle(project.name)}
        about={text.overview.deleteAbout}
        word={project.name}
        verb={text.overview.delete}
        busy={remove.isPending}
        error={remove.error ? messageOf(remove.error) : undefined}
        onConfirm={() => remove.mutate()}
        onClose={() => setDeleting(false)}
      />
    </Card>
  );
}
