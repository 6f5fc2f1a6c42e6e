import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { ApiError, messageOf } from '../../api/errors';
import * as queries from '../../api/queries';
import type { Schema } from '../../api/types';
import { useProject } from '../../shell/project';
import { text } from '../../text';
import { Card, CardBody } from '../../ui/content';
import { Actions, Button, Checkbox, Field, Form, FormError } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { useAct } from '../../ui/use-act';

/** Whether and where the reader gets mails about problems of the project. */
export function Notifications() {
  const { id } = useProject();
  const query = useQuery(queries.notifications(id));
  return (
    <Card title={text.notifications.title}>
      <CardBody>
        <Loaded query={query} lines={3}>
          {(choice) => <Choose choice={choice} />}
        </Loaded>
      </CardBody>
    </Card>
  );
}

function Choose({ choice }: { choice: Schema<'MemberNotifications'> }) {
  const { id } = useProject();
  const [enabled, setEnabled] = useState(choice.enabled);
  const [email, setEmail] = useState(choice.notify_email ?? '');
  const save = useAct(
    () =>
      ask(
        api.PUT('/api/v1/projects/{project_id}/members/me/notifications', {
          params: { path: { project_id: id } },
          body: { enabled, notify_email: email.trim() || null },
        }),
      ),
    { changes: [queries.notifications(id).queryKey], done: text.notifications.saved },
  );
  const problems = save.error instanceof ApiError ? save.error : undefined;
  const isChanged = enabled !== choice.enabled || email.trim() !== (choice.notify_email ?? '');
  return (
    <Form onSubmit={() => save.mutate()}>
      <Checkbox
        label={text.notifications.enabled}
        checked={enabled}
        onChange={({ target }) => setEnabled(target.checked)}
      />
      <Field
        label={text.notifications.address}
        type="email"
        disabled={!enabled}
        value={email}
        placeholder={choice.notify_email === null ? (choice.address ?? undefined) : undefined}
        hint={choice.address === null ? text.notifications.noAddress : text.notifications.addressHint}
        error={problems?.of('notify_email')}
        onChange={({ target }) => setEmail(target.value)}
      />
      <FormError>{save.error && !problems?.problems.length && messageOf(save.error)}</FormError>
      <Actions>
        <Button type="submit" busy={save.isPending} disabled={!isChanged}>
          {text.overview.save}
        </Button>
      </Actions>
    </Form>
  );
}
