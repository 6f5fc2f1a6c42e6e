import { useState, type ReactNode } from 'react';
import { messageOf } from '../../api/errors';
import { text } from '../../text';
import { Ago, useNow } from '../../ui/ago';
import { Row, State } from '../../ui/content';
import { Actions, Button, ShownOnce } from '../../ui/controls';
import { Confirmation, Dialog } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';

interface Issued {
  id: string;
  name: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  former_key_expires_at: string | null;
  networks: string[] | null;
}

/** A key of a service account or of the gateway, with what can be done to it. */
export function IssuedKey({
  issued,
  tags,
  extra,
  changes,
  onRotate,
  onRevoke,
}: {
  issued: Issued;
  tags?: ReactNode;
  extra?: ReactNode;
  changes: readonly (readonly unknown[])[];
  onRotate: () => Promise<{ key: string }>;
  onRevoke: () => Promise<unknown>;
}) {
  const [asking, setAsking] = useState<'rotate' | 'revoke' | null>(null);
  const [key, setKey] = useState<string | null>(null);
  const now = useNow();
  const onDone = () => setAsking(null);
  const rotate = useAct(onRotate, {
    changes,
    onDone: (answer) => {
      onDone();
      setKey(answer.key);
    },
  });
  const revoke = useAct(onRevoke, { changes, done: text.issued.revoked(issued.name), onDone });
  const isExpired = issued.expires_at !== null && Date.parse(issued.expires_at) < now;
  return (
    <Row
      title={
        <span className="row">
          {issued.name} {tags}
        </span>
      }
      note={
        <>
          {isExpired ? (
            <State tone="bad">{text.issued.expired}</State>
          ) : issued.last_used_at ? (
            <>
              {text.issued.used} <Ago at={issued.last_used_at} />
            </>
          ) : (
            text.issued.neverUsed
          )}
          {issued.expires_at && !isExpired && (
            <>
              {' · '}
              {text.issued.expires} <Ago at={issued.expires_at} />
            </>
          )}
          {issued.former_key_expires_at && Date.parse(issued.former_key_expires_at) > now && (
            <>
              {' · '}
              {text.issued.formerEnds} <Ago at={issued.former_key_expires_at} />
            </>
          )}
          {issued.networks && ` · ${text.issued.from} ${issued.networks.join(', ')}`}
        </>
      }
      actions={
        <>
          {extra}
          <Button onClick={() => setAsking('rotate')}>
            {text.issued.rotate}
            <span className="hidden"> {issued.name}</span>
          </Button>
          <Button kind="danger" onClick={() => setAsking('revoke')}>
            {text.issued.revoke}
            <span className="hidden"> {issued.name}</span>
          </Button>
          <Confirmation
            open={asking === 'rotate'}
            title={text.issued.rotateTitle(issued.name)}
            about={text.issued.rotateAbout}
            verb={text.issued.rotate}
            busy={rotate.isPending}
            error={rotate.error ? messageOf(rotate.error) : undefined}
            onConfirm={() => rotate.mutate()}
            onClose={() => setAsking(null)}
          />
          <Confirmation
            open={asking === 'revoke'}
            title={text.issued.revokeTitle(issued.name)}
            about={text.issued.revokeAbout}
            verb={text.issued.revoke}
            busy={revoke.isPending}
            error={revoke.error ? messageOf(revoke.error) : undefined}
            onConfirm={() => revoke.mutate()}
            onClose={() => setAsking(null)}
          />
          <NewKey value={key} onClose={() => setKey(null)} />
        </>
      }
    />
  );
}

export function NewKey({
  value,
  title = text.issued.shownOnce,
  about = text.issued.shownOnceAbout,
  onClose,
}: {
  value: string | null;
  title?: string;
  about?: string;
  onClose: () => void;
}) {
  return (
    <Dialog open={value !== null} title={title} about={about} onClose={onClose}>
      {value !== null && <ShownOnce value={value} label={`${text.copy}: ${title}`} />}
      <Actions>
        <Button kind="primary" onClick={onClose}>
          {text.issued.kept}
        </Button>
      </Actions>
    </Dialog>
  );
}
