import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useDeferredValue, useEffect, useState } from 'react';
import { api, ask } from '../../api/client';
import { ApiError, hasStatus, messageOf, translated } from '../../api/errors';
import * as queries from '../../api/queries';
import type { Mode, Schema } from '../../api/types';
import { useProject } from '../../shell/project';
import { text } from '../../text';
import { Note, State } from '../../ui/content';
import { Actions, Button, Field, Form, FormError } from '../../ui/controls';
import { Dialog } from '../../ui/overlays';
import { useAct } from '../../ui/use-act';
import { EXAMPLES, fieldOf, type Kind, maskOf, slipOf } from './fields';

type Config = Schema<'StripeConfigResponse'> | null;

/** Puts one credential in. Whatever happens, the typed value stays until it is stored. */
export function KeyDialog({
  mode,
  kind,
  config,
  etag,
  onClose,
}: {
  mode: Mode;
  kind: Kind;
  config: Config;
  etag: string | null;
  onClose: () => void;
}) {
  const { id } = useProject();
  const client = useQueryClient();
  const [typed, setTyped] = useState('');
  // The state that the reader has seen, although the page behind may have been read again.
  const [seen, setSeen] = useState({ config, etag });
  const value = typed.trim();
  const field = fieldOf(mode, kind);
  const slip = value === '' ? undefined : slipOf(value, mode, kind);
  const check = useLiveCheck(mode, kind === 'secret_key' && !slip ? value : '');
  const save = useAct(
    () =>
      ask(
        api.PUT('/api/v1/payments/stripe/projects/{project_id}/config', {
          params: {
            path: { project_id: id },
            header: seen.etag === null ? {} : { 'If-Match': seen.etag },
            query: kind === 'secret_key' ? { validate: true } : {},
          },
          body: { [field]: value },
        }),
      ),
    {
      changes: [[id]],
      done: text.stripe.stored(text.stripe.kinds[kind], text.mode.of[mode]),
      onDone: onClose,
    },
  );
  const isOvertaken = hasStatus(save.error, 412);
  const readAgain = useAct(() => client.fetchQuery({ ...queries.config(id), staleTime: 0 }), {
    onDone: (state) => {
      setSeen(state);
      save.reset();
    },
  });
  const before = maskOf(seen.config, mode, kind);
  const problem = save.error instanceof ApiError ? (save.error.of(field) ?? undefined) : undefined;
  return (
    <Dialog
      open
      title={text.stripe.dialog.title(text.stripe.kinds[kind], text.mode.of[mode])}
      about={text.stripe.dialog.about[kind]}
      onClose={onClose}
    >
      <Form onSubmit={() => value && !slip && !isOvertaken && save.mutate()}>
        <Field
          label={text.stripe.kinds[kind]}
          placeholder={EXAMPLES[kind](mode)}
          mono
          autoFocus
          value={typed}
          error={slip && slip !== 'incomplete' ? text.stripe.slips[slip](text.mode.of[mode]) : problem}
          hint={<Verdict check={check} />}
          onChange={({ target }) => {
            setTyped(target.value);
            if (!isOvertaken) save.reset();
          }}
        />
        <p className="sub">
          {before === null
            ? text.stripe.dialog.adds(text.mode.of[mode])
            : text.stripe.dialog.replaces(before, text.stripe.dialog.effect[kind])}
        </p>
        {isOvertaken && (
          <Note
            title={text.stripe.dialog.overtaken}
            action={
              <Button busy={readAgain.isPending} onClick={() => readAgain.mutate()}>
                {text.stripe.dialog.readAgain}
              </Button>
            }
          >
            {text.stripe.dialog.overtakenAbout}
          </Note>
        )}
        <FormError>
          {save.error && !isOvertaken && problem === undefined && messageOf(save.error)}
          {readAgain.error && messageOf(readAgain.error)}
        </FormError>
        <Actions>
          <Button onClick={onClose}>{text.confirm.cancel}</Button>
          <Button
            type="submit"
            kind="primary"
            busy={save.isPending}
            disabled={!value || slip !== undefined || isOvertaken || check.data?.valid === false}
          >
            {text.stripe.dialog.store}
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}

const PAUSE_MS = 600;
/** Shorter values can't be keys. */
const MIN_LENGTH = 16;

/** Asks Stripe about the key once the reader stops typing. */
function useLiveCheck(mode: Mode, value: string) {
  const { id } = useProject();
  const [settled, setSettled] = useState('');
  const latest = useDeferredValue(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(latest), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [latest]);
  return useQuery({
    // The key itself is in memory only, and forgotten with the dialog.
    queryKey: [id, 'check', mode, settled],
    enabled: settled.length >= MIN_LENGTH && settled === value,
    gcTime: 0,
    staleTime: Infinity,
    retry: false,
    queryFn: () =>
      ask(
        api.POST('/api/v1/payments/stripe/projects/{project_id}/validate-credentials', {
          params: { path: { project_id: id } },
          body: { secret_key: settled, is_test_mode: mode === 'test' },
        }),
      ),
  });
}

function Verdict({ check: { data, error, isFetching } }: { check: ReturnType<typeof useLiveCheck> }) {
  return (
    <span role="status">
      {isFetching ? (
        <State tone="off">{text.stripe.dialog.checking}</State>
      ) : data ? (
        <State tone={data.valid ? 'good' : 'bad'}>{translated(data.message)}</State>
      ) : error ? (
        <State tone="warn">{messageOf(error)}</State>
      ) : (
        ' '
      )}
    </span>
  );
}
