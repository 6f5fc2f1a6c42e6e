import type { OwnerId, ProjectId } from '../common/ids.js';

/** A live project. Times are RFC 3339 in UTC with milliseconds. */
export interface Project {
  readonly id: ProjectId;
  readonly ownerId: OwnerId;
  readonly name: string;
  readonly description: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** What an update may set; what is absent or `null` stays. */
export interface ProjectChanges {
  readonly name?: string | null;
  readonly description?: string | null;
}
