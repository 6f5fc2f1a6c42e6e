import type { Schema } from '../../api/types';
import { text } from '../../text';
import { Ago } from '../../ui/ago';
import { State } from '../../ui/content';

export const DESTINATIONS = '/api/v1/payments/stripe/projects/{project_id}/event-destinations';

/** How it is, in words. */
export function DestinationState({
  destination: { enabled, disabled_reason: reason, failing_since },
}: {
  destination: Schema<'EventDestinationResponse'>;
}) {
  if (!enabled)
    return (
      <State tone={reason === null ? 'off' : 'bad'}>
        {reason === null ? text.destinations.off : (text.destinations.disabled[reason] ?? reason)}
      </State>
    );
  return failing_since === null ? (
    <State tone="good">{text.destinations.working}</State>
  ) : (
    <State tone="bad">
      {text.destinations.failing} <Ago at={failing_since} />
    </State>
  );
}
