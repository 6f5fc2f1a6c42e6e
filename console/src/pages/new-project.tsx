import { useState } from 'react';
import { useLocation } from 'wouter';
import { api, ask } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import * as queries from '../api/queries';
import { projectPath } from '../shell/paths';
import { text } from '../text';
import { Card, CardBody, Page } from '../ui/content';
import { Actions, Button, Field, Form, FormError } from '../ui/controls';
import { useAct } from '../ui/use-act';

export function NewProject() {
  const [, go] = useLocation();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const act = useAct(
    () => ask(api.POST('/api/v1/projects/', { body: { name, description: description || null } })),
    {
      changes: [queries.projects.queryKey],
      onDone: ({ id }) => go(projectPath(id, 'stripe')),
    },
  );
  const problems = act.error instanceof ApiError ? act.error : undefined;
  return (
    <Page title={text.newProject.title} about={text.newProject.about}>
      <Card title={text.newProject.card}>
        <CardBody>
          <Form onSubmit={() => act.mutate()}>
            <Field
              label={text.newProject.name}
              hint={text.newProject.nameHint}
              value={name}
              autoFocus
              error={problems?.of('name')}
              onChange={({ target }) => setName(target.value)}
            />
            <Field
              label={text.newProject.description}
              value={description}
              error={problems?.of('description')}
              onChange={({ target }) => setDescription(target.value)}
            />
            <FormError>{act.error && !problems?.problems.length && messageOf(act.error)}</FormError>
            <Actions>
              <Button type="submit" kind="primary" busy={act.isPending} disabled={!name.trim()}>
                {text.newProject.submit}
              </Button>
            </Actions>
          </Form>
        </CardBody>
      </Card>
    </Page>
  );
}
