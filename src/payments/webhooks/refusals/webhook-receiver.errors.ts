import { DomainError } from '../../../common/errors.js';
import type { SignatureProblem } from './stripe-signature.js';

/** Why a delivery was refused. It changed nothing, and Stripe gets the reason. */
export type RefusalReason = SignatureProblem | 'unreadable' | 'wrong_mode';

const SENTENCES: Record<RefusalReason, string> = {
  missing_signature: 'The Stripe-Signature header is missing.',
  malformed_signature: 'The Stripe-Signature header is malformed: it needs one t and at least one v1.',
  wrong_signature:
    "The signature does not match the stored webhook secret; store the signing secret that Stripe's Dashboard shows for this endpoint.",
  too_old: 'The signature is more than 300 seconds old.',
  from_the_future: 'The signature is from more than 300 seconds in the future.',
  unreadable: 'The body is not an event that can be read.',
  wrong_mode: 'The event is of the other mode than this URL; register the URL of its mode.',
};

export const REFUSAL_REASONS = Object.keys(SENTENCES) as RefusalReason[];

export function refusalSentence(reason: RefusalReason): string {
  return SENTENCES[reason];
}

/** One message for a missing project, configuration or secret, so that a stranger learns nothing. */
export const RECEIVES_NOTHING =
  "This URL receives no events; compare it with the project's webhook URL, and store the webhook secret of its mode.";

export function notReceiving(): DomainError {
  return new DomainError('not_receiving', RECEIVES_NOTHING);
}

export function refusal(reason: RefusalReason): DomainError {
  return new DomainError('webhook_refused', SENTENCES[reason]);
}

/** @param cause the reason, which Stripe's Dashboard shows to the project's owner */
export function notProcessed(cause: unknown): DomainError {
  const why = cause instanceof DomainError ? `: ${cause.message}` : '.';
  const message = `The event could not be processed, and is to be sent again${why}`;
  return new DomainError('event_not_processed', message, { cause });
}

/** @param cause the reason, which only the project's owner may read */
export function notVerifiable(cause: DomainError): DomainError {
  const message = 'Signatures can not be checked here at the moment, so the event is to be sent again.';
  return new DomainError('event_not_processed', message, { cause });
}
