import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { ApiError, messageOf } from '../../api/errors';
import * as queries from '../../api/queries';
import { useProject } from '../../shell/project';
import { text } from '../../text';
import { Card, Empty, Rows, Tag } from '../../ui/content';
import { Actions, Button, Choice, Field, Form, FormError } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { Dialog } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';
import { IssuedKey, NewKey } from './issued-keys';

const PATH = '/api/v1/projects/{project_id}/service-accounts';

export function ServiceAccounts() {
  const { id } = useProject();
  const list = useQuery(queries.serviceAccounts(id));
  const [adding, setAdding] = useState(false);
  const [key, setKey] = useState<string | null>(null);
  const changes = [[id, 'service-accounts']];
  return (
    <>
      <Card
        title={text.serviceAccounts.title}
        aside={<Button onClick={() => setAdding(true)}>{text.serviceAccounts.add}</Button>}
      >
        <Loaded query={list}>
          {(accounts) =>
            accounts.length === 0 ? (
              <Empty title={text.serviceAccounts.none}>{text.serviceAccounts.noneAbout}</Empty>
            ) : (
              <Rows>
                {accounts.map((account) => {
                  const params = { path: { project_id: id, service_account_id: account.id } };
                  return (
                    <IssuedKey
                      key={account.id}
                      issued={account}
                      tags={<Tag>{text.roles[account.role]}</Tag>}
                      changes={changes}
                      onRotate={() =>
                        ask(api.POST(`${PATH}/{service_account_id}/rotate`, { params, body: {} }))
                      }
                      onRevoke={() => ask(api.DELETE(`${PATH}/{service_account_id}`, { params }))}
                    />
                  );
                })}
              </Rows>
            )
          }
        </Loaded>
      </Card>
      {adding && (
        <AddServiceAccount
          onMade={(made) => {
            setAdding(false);
            setKey(made);
          }}
          onClose={() => setAdding(false)}
        />
      )}
      <NewKey value={key} onClose={() => setKey(null)} />
    </>
  );
}

function AddServiceAccount({ onMade, onClose }: { onMade: (key: string) => void; onClose: () => void }) {
  const { id } = useProject();
  const [name, setName] = useState('');
  const [role, setRole] = useState<'viewer' | 'admin'>('viewer');
  const act = useAct(
    () => ask(api.POST(PATH, { params: { path: { project_id: id } }, body: { name, role } })),
    {
      changes: [[id, 'service-accounts']],
      onDone: ({ key }) => onMade(key),
    },
  );
  const problems = act.error instanceof ApiError ? act.error : undefined;
  return (
    <Dialog open title={text.serviceAccounts.add} about={text.serviceAccounts.about} onClose={onClose}>
      <Form onSubmit={() => act.mutate()}>
        <Field
          label={text.serviceAccounts.name}
          value={name}
          autoFocus
          error={problems?.of('name')}
          onChange={({ target }) => setName(target.value)}
        />
        <Choice
          label={text.members.role}
          value={role}
          options={[
            ['viewer', text.roles.viewer],
            ['admin', text.roles.admin],
          ]}
          onChange={setRole}
        />
        <p className="sub">{text.roleHints[role]}</p>
        <FormError>{act.error && !problems?.problems.length && messageOf(act.error)}</FormError>
        <Actions>
          <Button onClick={onClose}>{text.confirm.cancel}</Button>
          <Button type="submit" kind="primary" busy={act.isPending} disabled={!name.trim()}>
            {text.serviceAccounts.add}
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
