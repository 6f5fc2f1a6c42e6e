import { endUserId } from '../../auth/end-user.js';
import type { EndUserId, ProjectId } from '../../common/ids.js';
import type { StripeObject } from './stripe-object.js';

/** What a token's `sub` may be at most. */
const MAX_SUBJECT_LENGTH = 255;

/** The end user whom a field names as tokens do: `metadata.user_id`, or a session's `client_reference_id`. */
export function userIn(projectId: ProjectId, object: StripeObject | undefined, field = 'user_id'): EndUserId | undefined {
  const subject = object?.text(field, MAX_SUBJECT_LENGTH);
  return subject === undefined ? undefined : endUserId(projectId, subject);
}
