import { useState } from 'react';
import { ApiError, messageOf } from '../../api/errors';
import type { Mode, Schema } from '../../api/types';
import { text } from '../../text';
import { Actions, Button, Checkbox, Choice, Field, Form, FormError, TextArea } from '../../ui/controls';
import { Dialog } from '../../ui/overlays';

type Destination = Schema<'EventDestinationResponse'>;
type Body = Schema<'EventDestinationCreateRequest'>;
export type EventType = NonNullable<Body['event_types']>[number];

const EVENT_TYPES = () => Object.keys(text.eventTypes) as EventType[];

/** One header in each line, as in a request. */
function headersIn(typed: string): Record<string, string> | undefined {
  const lines = typed.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0
    ? undefined
    : Object.fromEntries(
        lines.map((line) => {
          const [name = '', ...value] = line.split(':');
          return [name.trim(), value.join(':').trim()];
        }),
      );
}

/** Makes a destination, or changes the given one. */
export function DestinationForm({
  destination,
  busy,
  error,
  onSave,
  onClose,
}: {
  destination?: Destination;
  busy: boolean;
  error: Error | null;
  onSave: (body: Body) => void;
  onClose: () => void;
}) {
  const [url, setUrl] = useState(destination?.url ?? '');
  const [description, setDescription] = useState(destination?.description ?? '');
  const [mode, setMode] = useState<Mode | ''>(destination?.mode ?? '');
  const [types, setTypes] = useState<readonly string[] | null>(destination?.event_types ?? null);
  const [headers, setHeaders] = useState('');
  const problems = error instanceof ApiError ? error : undefined;
  const ofFields = ['url', 'description', 'headers'].some((field) => problems?.of(field));
  const title = destination ? text.destinations.edit : text.destinations.add;
  const save = () =>
    onSave({
      url: url.trim(),
      description: description.trim() || null,
      mode: mode || null,
      event_types: types && EVENT_TYPES().filter((type) => types.includes(type)),
      headers: headersIn(headers),
    });
  return (
    <Dialog open title={title} about={text.destinations.formAbout} onClose={onClose}>
      <Form onSubmit={save}>
        <Field
          label={text.destinations.url}
          type="url"
          placeholder="https://example.com/events"
          mono
          autoFocus
          value={url}
          error={problems?.of('url')}
          onChange={({ target }) => setUrl(target.value)}
        />
        <Field
          label={text.newProject.description}
          value={description}
          error={problems?.of('description')}
          onChange={({ target }) => setDescription(target.value)}
        />
        <Choice
          label={text.mode.label}
          value={mode}
          options={[
            ['', text.mode.both],
            ['test', text.mode.of.test],
            ['live', text.mode.of.live],
          ]}
          onChange={setMode}
        />
        <Choice
          label={text.destinations.types}
          value={types === null ? 'all' : 'some'}
          options={[
            ['all', text.destinations.allTypes],
            ['some', text.destinations.someTypes],
          ]}
          onChange={(next) => setTypes(next === 'all' ? null : [])}
        />
        {types !== null && (
          <fieldset className="choices" aria-label={text.destinations.types}>
            {EVENT_TYPES().map((type) => (
              <Checkbox
                key={type}
                label={<span title={type}>{text.eventTypes[type]}</span>}
                checked={types.includes(type)}
                onChange={({ target }) =>
                  setTypes(target.checked ? [...types, type] : types.filter((each) => each !== type))
                }
              />
            ))}
          </fieldset>
        )}
        <TextArea
          label={text.destinations.headers}
          hint={
            destination && destination.header_names.length > 0
              ? text.destinations.keepHeaders(destination.header_names.join(', '))
              : text.destinations.headersHint
          }
          error={problems?.of('headers')}
          value={headers}
          onChange={({ target }) => setHeaders(target.value)}
        />
        <FormError>{error && !ofFields && messageOf(error)}</FormError>
        <Actions>
          <Button onClick={onClose}>{text.confirm.cancel}</Button>
          <Button
            type="submit"
            kind="primary"
            busy={busy}
            disabled={!url.trim() || (types !== null && types.length === 0)}
          >
            {destination ? text.overview.save : title}
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
