import type { Schema } from '../../api/types';
import { text } from '../../text';
import { Ago } from '../../ui/ago';
import { State } from '../../ui/content';

/** How a mode is, in words. */
export function ModeState({
  status: { state, verified_at },
  needsWebhookSecret = false,
}: {
  status: Schema<'StripeModeStatus'>;
  needsWebhookSecret?: boolean;
}) {
  if (state === 'not_configured') return <State tone="off">{text.stripe.noKey}</State>;
  if (state === 'invalid') return <State tone="bad">{text.stripe.refused}</State>;
  if (needsWebhookSecret) return <State tone="warn">{text.stripe.needsWebhookSecret}</State>;
  if (state === 'unverified') return <State tone="warn">{text.stripe.unverified}</State>;
  return (
    <State tone="good">
      <span>
        {text.stripe.working}
        {verified_at && (
          <>
            {' · '}
            {text.stripe.checked} <Ago at={verified_at} />
          </>
        )}
      </span>
    </State>
  );
}
