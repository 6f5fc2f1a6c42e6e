import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { ApiError, messageOf } from '../../api/errors';
import * as queries from '../../api/queries';
import type { Mode, Schema } from '../../api/types';
import { ModeSwitch, useProject } from '../../shell/project';
import { text } from '../../text';
import { dayOf, number } from '../../text/format';
import { Card, Empty, Facts, Rows, Tag } from '../../ui/content';
import { Actions, Button, Choice, Field, Form, FormError } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { Dialog } from '../../ui/overlays';
import { Table } from '../../ui/table';
import { useAct } from '../../ui/use-act';
import { IssuedKey, NewKey } from './issued-keys';

type Key = Schema<'GatewayKeyResponse'>;

const PATH = '/api/v1/payments/stripe/projects/{project_id}/gateway-keys';

export function GatewayKeys() {
  const { id } = useProject();
  const list = useQuery(queries.gatewayKeys(id));
  const [adding, setAdding] = useState(false);
  const [key, setKey] = useState<string | null>(null);
  return (
    <>
      <Card
        title={text.gateway.title}
        aside={<Button onClick={() => setAdding(true)}>{text.gateway.add}</Button>}
      >
        <Loaded query={list}>
          {(keys) =>
            keys.length === 0 ? (
              <Empty title={text.gateway.none}>{text.gateway.noneAbout}</Empty>
            ) : (
              <Rows>
                {keys.map((each) => (
                  <GatewayKey key={each.id} gatewayKey={each} />
                ))}
              </Rows>
            )
          }
        </Loaded>
      </Card>
      {adding && (
        <AddGatewayKey
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

function GatewayKey({ gatewayKey }: { gatewayKey: Key }) {
  const { id } = useProject();
  const [showsUsage, setShowsUsage] = useState(false);
  const params = { path: { project_id: id, gateway_key_id: gatewayKey.id } };
  const changes = [[id, 'gateway-keys']];
  const pause = useAct(
    () => ask(api.PATCH(`${PATH}/{gateway_key_id}`, { params, body: { paused: !gatewayKey.paused } })),
    { changes, done: gatewayKey.paused ? text.gateway.resumed : text.gateway.paused },
  );
  return (
    <>
      <IssuedKey
        issued={gatewayKey}
        tags={
          <>
            <Tag tone={gatewayKey.mode === 'test' ? 'warn' : 'off'}>{text.mode[gatewayKey.mode]}</Tag>
            {gatewayKey.paused && <Tag tone="bad">{text.gateway.isPaused}</Tag>}
            <FormError>{pause.error && messageOf(pause.error)}</FormError>
          </>
        }
        extra={
          <>
            <Button onClick={() => setShowsUsage(true)}>
              {text.gateway.usage}
              <span className="hidden"> {gatewayKey.name}</span>
            </Button>
            <Button busy={pause.isPending} onClick={() => pause.mutate()}>
              {gatewayKey.paused ? text.gateway.resume : text.gateway.pause}
              <span className="hidden"> {gatewayKey.name}</span>
            </Button>
          </>
        }
        changes={changes}
        onRotate={() => ask(api.POST(`${PATH}/{gateway_key_id}/rotate`, { params, body: {} }))}
        onRevoke={() => ask(api.DELETE(`${PATH}/{gateway_key_id}`, { params }))}
      />
      {showsUsage && <Usage gatewayKey={gatewayKey} onClose={() => setShowsUsage(false)} />}
    </>
  );
}

function Usage({ gatewayKey, onClose }: { gatewayKey: Key; onClose: () => void }) {
  const { id } = useProject();
  const usage = useQuery(queries.gatewayKeyUsage(id, gatewayKey.id));
  return (
    <Dialog open light title={gatewayKey.name} about={text.gateway.usageAbout} onClose={onClose}>
      <Facts
        facts={Object.entries(gatewayKey.permissions).map(
          ([resource, level]) => [resource, text.gateway.levels[level]] as const,
        )}
      />
      <Loaded query={usage}>
        {({ days }) =>
          days.length === 0 ? (
            <Empty title={text.gateway.unused} />
          ) : (
            <Table
              label={text.gateway.usage}
              columns={[
                { name: text.money.day, cell: ({ day }) => dayOf(day) },
                { name: text.gateway.requests, isNumber: true, cell: ({ requests }) => number(requests) },
                { name: text.gateway.errors, isNumber: true, cell: ({ errors }) => number(errors) },
                { name: text.gateway.refused, isNumber: true, cell: ({ refused }) => number(refused) },
              ]}
              items={days}
              keyOf={({ day }) => day}
            />
          )
        }
      </Loaded>
      <Actions>
        <Button onClick={onClose}>{text.close}</Button>
      </Actions>
    </Dialog>
  );
}

function AddGatewayKey({ onMade, onClose }: { onMade: (key: string) => void; onClose: () => void }) {
  const { id } = useProject();
  const [name, setName] = useState('');
  const [mode, setMode] = useState<Mode>('test');
  const [resources, setResources] = useState('customers');
  const [level, setLevel] = useState<'read' | 'write'>('read');
  const permissions = Object.fromEntries(
    resources
      .split(/[\s,]+/)
      .filter(Boolean)
      .map((resource) => [resource, level] as const),
  );
  const act = useAct(
    () => ask(api.POST(PATH, { params: { path: { project_id: id } }, body: { name, mode, permissions } })),
    { changes: [[id, 'gateway-keys']], onDone: ({ key }) => onMade(key) },
  );
  const problems = act.error instanceof ApiError ? act.error : undefined;
  return (
    <Dialog open title={text.gateway.add} about={text.gateway.about} onClose={onClose}>
      <Form onSubmit={() => act.mutate()}>
        <Field
          label={text.serviceAccounts.name}
          value={name}
          autoFocus
          error={problems?.of('name')}
          onChange={({ target }) => setName(target.value)}
        />
        <ModeSwitch mode={mode} onChange={setMode} />
        <Field
          label={text.gateway.resources}
          hint={text.gateway.resourcesHint}
          mono
          value={resources}
          onChange={({ target }) => setResources(target.value)}
        />
        <Choice
          label={text.gateway.level}
          value={level}
          options={[
            ['read', text.gateway.levels.read],
            ['write', text.gateway.levels.write],
          ]}
          onChange={setLevel}
        />
        <FormError>{act.error && problems?.of('name') === undefined && messageOf(act.error)}</FormError>
        <Actions>
          <Button onClick={onClose}>{text.confirm.cancel}</Button>
          <Button
            type="submit"
            kind="primary"
            busy={act.isPending}
            disabled={!name.trim() || Object.keys(permissions).length === 0}
          >
            {text.gateway.add}
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
