import { useState } from 'react';
import { api, ask } from '../../api/client';
import { messageOf } from '../../api/errors';
import type { Mode, Schema } from '../../api/types';
import { ModeSwitch, useProject } from '../../shell/project';
import { text } from '../../text';
import { number } from '../../text/format';
import { Facts, Note } from '../../ui/content';
import { Actions, Button, FormError } from '../../ui/controls';
import { Dialog } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';

type Report = Schema<'StripeReconcileResponse'>;

/** A request stops after 20 seconds; each further one begins where Stripe's list is known already. */
const MAX_ROUNDS = 30;

export function Reconcile() {
  const { id } = useProject();
  const [open, setOpen] = useState(false);
  const [mode, setMode] = useState<Mode>('live');
  const [report, setReport] = useState<Report | null>(null);
  const act = useAct(
    async () => {
      setReport(null);
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const next = await ask(
          api.POST('/api/v1/payments/stripe/projects/{project_id}/reconcile', {
            params: { path: { project_id: id } },
            body: { mode },
          }),
        );
        setReport(next);
        if (next.complete) return;
      }
    },
    { changes: [[id]] },
  );
  return (
    <>
      <Button onClick={() => setOpen(true)}>{text.reconcile.open}</Button>
      <Dialog
        open={open}
        title={text.reconcile.title}
        about={text.reconcile.about}
        onClose={() => setOpen(false)}
      >
        <div className="stack">
          <ModeSwitch mode={mode} onChange={setMode} />
          {act.isPending && (
            <p role="status">
              <progress aria-label={text.reconcile.title} /> {text.reconcile.running}
            </p>
          )}
          {report && <ReportView report={report} />}
          <FormError>{act.error && messageOf(act.error)}</FormError>
        </div>
        <Actions>
          <Button onClick={() => setOpen(false)}>{text.close}</Button>
          <Button kind="primary" busy={act.isPending} onClick={() => act.mutate()}>
            {text.reconcile.start}
          </Button>
        </Actions>
      </Dialog>
    </>
  );
}

function ReportView({ report: { complete, events, subscriptions, failures } }: { report: Report }) {
  return (
    <>
      {complete && <Note tone="info">{text.reconcile.done}</Note>}
      <Facts
        facts={[
          [text.reconcile.read, number(events.read)],
          [text.reconcile.known, number(events.known)],
          [text.reconcile.applied, number(events.applied)],
          [text.reconcile.failed, number(events.failed + events.unreadable)],
          [text.reconcile.compared, number(subscriptions.compared)],
          [text.reconcile.repaired, number(subscriptions.repaired)],
        ]}
      />
      {failures.length > 0 && (
        <ul>
          {failures.map(({ id, type, reason }) => (
            <li key={id}>
              <code>{type}</code> · {reason}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
