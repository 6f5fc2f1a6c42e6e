import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { ApiError, messageOf } from '../../api/errors';
import * as queries from '../../api/queries';
import type { Schema } from '../../api/types';
import { useMay, useProject } from '../../shell/project';
import { text } from '../../text';
import { Ago } from '../../ui/ago';
import { Card, Empty, Row, Rows, Tag } from '../../ui/content';
import { Actions, Button, Choice, Field, Form, FormError, ShownOnce } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { Confirmation, Dialog } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';

type Member = Schema<'MemberResponse'>;
type GivenRole = 'viewer' | 'admin';

const PATH = '/api/v1/projects/{project_id}/members';

const givenRoles = () =>
  [
    ['viewer', text.roles.viewer],
    ['admin', text.roles.admin],
  ] as const;

export function Members() {
  const { id } = useProject();
  const may = useMay();
  const list = useQuery(queries.members(id));
  const { data: account } = useQuery(queries.me);
  const [adding, setAdding] = useState(false);
  const mayWrite = may('members:write');
  return (
    <>
      <Card
        title={text.members.title}
        aside={mayWrite && <Button onClick={() => setAdding(true)}>{text.members.add}</Button>}
      >
        <Loaded query={list}>
          {({ members }) => (
            <Rows>
              {members.map((member) => (
                <MemberRow key={member.subject} member={member} isSelf={member.subject === account?.id} />
              ))}
            </Rows>
          )}
        </Loaded>
      </Card>
      {mayWrite && <Invitations />}
      {adding && <AddMember onClose={() => setAdding(false)} />}
    </>
  );
}

function MemberRow({ member: { subject, role, created_at }, isSelf }: { member: Member; isSelf: boolean }) {
  const { id } = useProject();
  const may = useMay();
  const [asking, setAsking] = useState<'remove' | 'transfer' | null>(null);
  const params = { path: { project_id: id, subject } };
  const changes = [[id, 'members'], ['projects']];
  const onDone = () => setAsking(null);
  const change = useAct(
    (next: GivenRole) => ask(api.PUT(`${PATH}/{subject}`, { params, body: { role: next } })),
    {
      changes,
      done: text.members.changed,
    },
  );
  const remove = useAct(() => ask(api.DELETE(`${PATH}/{subject}`, { params })), {
    changes,
    done: isSelf ? text.members.left : text.members.removed,
    onDone,
  });
  const transfer = useAct(
    () =>
      ask(
        api.POST('/api/v1/projects/{project_id}/transfer', {
          params: { path: { project_id: id } },
          body: { subject },
        }),
      ),
    { changes, done: text.members.transferred, onDone },
  );
  const isOther = role !== 'owner';
  return (
    <Row
      title={
        <span className="row">
          {isSelf ? text.account.you : <code title={subject}>{text.people.subject(subject)}</code>}
          {!may('members:write') || !isOther ? <Tag>{text.roles[role]}</Tag> : null}
        </span>
      }
      note={
        <>
          {created_at && (
            <>
              {text.members.since} <Ago at={created_at} />
            </>
          )}
          <FormError>{change.error && messageOf(change.error)}</FormError>
        </>
      }
      actions={
        <>
          {isOther && may('members:write') && (
            <Choice
              label={text.members.roleOf(subject)}
              hidesLabel
              value={role}
              options={givenRoles()}
              onChange={(next) => change.mutate(next)}
            />
          )}
          {isOther && may('project:transfer') && (
            <Button onClick={() => setAsking('transfer')}>{text.members.transfer}</Button>
          )}
          {isOther && (may('members:write') || isSelf) && (
            <Button kind="danger" onClick={() => setAsking('remove')}>
              {isSelf ? text.members.leave : text.members.remove}
            </Button>
          )}
          <Confirmation
            open={asking === 'remove'}
            title={isSelf ? text.members.leaveTitle : text.members.removeTitle}
            about={text.members.removeAbout}
            verb={isSelf ? text.members.leave : text.members.remove}
            busy={remove.isPending}
            error={remove.error ? messageOf(remove.error) : undefined}
            onConfirm={() => remove.mutate()}
            onClose={() => setAsking(null)}
          />
          <Confirmation
            open={asking === 'transfer'}
            title={text.members.transferTitle}
            about={text.members.transferAbout}
            verb={text.members.transfer}
            busy={transfer.isPending}
            error={transfer.error ? messageOf(transfer.error) : undefined}
            onConfirm={() => transfer.mutate()}
            onClose={() => setAsking(null)}
          />
        </>
      }
    />
  );
}

/** By an e-mail address with built-in accounts, by a subject with another authorization server. */
function AddMember({ onClose }: { onClose: () => void }) {
  const { id } = useProject();
  const { data: server } = useQuery(queries.serverInfo);
  const byEmail = server?.sign_in.password ?? true;
  const [who, setWho] = useState('');
  const [role, setRole] = useState<GivenRole>('viewer');
  const act = useAct(
    () =>
      ask(
        api.POST(PATH, {
          params: { path: { project_id: id } },
          body: { ...(byEmail ? { email: who.trim() } : { subject: who.trim() }), role },
        }),
      ),
    {
      changes: [
        [id, 'members'],
        [id, 'invitations'],
      ],
    },
  );
  const problems = act.error instanceof ApiError ? act.error : undefined;
  const url = act.data && 'invite_url' in act.data ? act.data.invite_url : undefined;
  if (act.data)
    return (
      <Dialog
        open
        title={url ? text.members.invited : text.members.added}
        about={url && text.members.invitedAbout}
        onClose={onClose}
      >
        {url && <ShownOnce value={url} label={text.members.copyLink} />}
        <Actions>
          <Button kind="primary" onClick={onClose}>
            {text.close}
          </Button>
        </Actions>
      </Dialog>
    );
  return (
    <Dialog open title={text.members.add} about={text.members.addAbout} onClose={onClose}>
      <Form onSubmit={() => act.mutate()}>
        <Field
          label={byEmail ? text.account.email : text.members.subject}
          value={who}
          type={byEmail ? 'email' : 'text'}
          autoFocus
          error={problems?.of('email') ?? problems?.of('subject')}
          onChange={({ target }) => setWho(target.value)}
        />
        <Choice label={text.members.role} value={role} options={givenRoles()} onChange={setRole} />
        <p className="sub">{text.roleHints[role]}</p>
        <FormError>{act.error && !problems?.problems.length && messageOf(act.error)}</FormError>
        <Actions>
          <Button onClick={onClose}>{text.confirm.cancel}</Button>
          <Button type="submit" kind="primary" busy={act.isPending} disabled={!who.trim()}>
            {text.members.add}
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}

function Invitations() {
  const { id } = useProject();
  const list = useQuery(queries.invitations(id));
  const withdraw = useAct(
    (invitation_id: string) =>
      ask(
        api.DELETE('/api/v1/projects/{project_id}/invitations/{invitation_id}', {
          params: { path: { project_id: id, invitation_id } },
        }),
      ),
    { changes: [[id, 'invitations']], done: text.members.withdrawn },
  );
  return (
    <Card title={text.members.invitations}>
      <FormError>{withdraw.error && messageOf(withdraw.error)}</FormError>
      <Loaded query={list} lines={2}>
        {({ invitations }) =>
          invitations.length === 0 ? (
            <Empty title={text.members.noInvitations} />
          ) : (
            <Rows>
              {invitations.map((invitation) => (
                <Row
                  key={invitation.id}
                  title={
                    <span className="row">
                      {invitation.email} <Tag>{text.roles[invitation.role]}</Tag>
                    </span>
                  }
                  note={
                    <>
                      {text.members.expires} <Ago at={invitation.expires_at} />
                    </>
                  }
                  actions={
                    <Button
                      kind="danger"
                      busy={withdraw.isPending && withdraw.variables === invitation.id}
                      onClick={() => withdraw.mutate(invitation.id)}
                    >
                      {text.members.withdraw}
                    </Button>
                  }
                />
              ))}
            </Rows>
          )
        }
      </Loaded>
    </Card>
  );
}
