import { v5 as uuidV5 } from 'uuid';
import { type EndUserId, parseUuid, type ProjectId } from '../common/ids.js';

/** Who an end user is to the project that the access token names. */
export interface EndUser {
  readonly projectId: ProjectId;
  readonly userId: EndUserId;
  /** The token's `sub` as it stands. */
  readonly subject: string;
}

/**
 * The id of an end user: the subject itself where that is a UUID, else the UUIDv5 (RFC 9562, section 5.5) of its UTF-8 bytes in the
 * project's namespace. So the same person has the same id for ever, and another one in each project.
 */
export function endUserId(projectId: ProjectId, subject: string): EndUserId {
  return parseUuid<EndUserId>(subject) ?? (uuidV5(subject, namespaceOf(projectId)) as EndUserId);
}

/** As bytes: the library takes only UUIDs of known versions as text. */
function namespaceOf(projectId: ProjectId): Uint8Array {
  return Buffer.from(projectId.replaceAll('-', ''), 'hex');
}
