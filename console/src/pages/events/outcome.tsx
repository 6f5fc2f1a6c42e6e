import type { Schema } from '../../api/types';
import { text } from '../../text';
import { Tag, type Tone } from '../../ui/content';

export type Outcome = Schema<'StripeWebhookEvent'>['outcome'];

const TONES: Record<Outcome, Tone> = {
  applied: 'good',
  ignored: 'off',
  unreadable: 'warn',
  failed: 'bad',
  open: 'warn',
};
export const OUTCOMES = Object.keys(TONES) as Outcome[];

export const OutcomeTag = ({ outcome }: { outcome: Outcome }) => (
  <Tag tone={TONES[outcome]}>{text.events.outcomes[outcome]}</Tag>
);
