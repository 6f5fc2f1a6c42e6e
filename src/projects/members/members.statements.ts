import { columns, inserted, type RowOf } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import type { GivenRole } from '../permissions/permissions.js';
import { ProjectInvitationEntity } from './invitation.entity.js';
import { ProjectMemberEntity } from './member.entity.js';

type MemberRow = RowOf<ProjectMemberEntity>;
type InvitationRow = RowOf<ProjectInvitationEntity>;

/** $1 project, $2 subject. Runs for each request of a member who is not the owner. */
export const FIND_ROLE = sql<{ role: GivenRole }>(
  'SELECT role FROM project_members WHERE project_id = $1 AND subject = $2',
  'find_role_of_member',
);

/** $1 project. */
export const LIST_MEMBERS = sql<MemberRow>(
  `SELECT ${columns(ProjectMemberEntity)} FROM project_members WHERE project_id = $1 ORDER BY created_at, subject`,
);

/** $1 project. */
export const COUNT_MEMBERS = sql<{ total: number }>(
  'SELECT COUNT(*) AS total FROM project_members WHERE project_id = $1',
);

/** Parameters: `columnValues(ProjectMemberEntity, …)`. No row for somebody who is a member. */
export const ADD_MEMBER = sql<MemberRow>(
  `INSERT INTO project_members ${inserted(ProjectMemberEntity)} ON CONFLICT (project_id, subject) DO NOTHING
   RETURNING ${columns(ProjectMemberEntity)}`,
);

/** $1 project, $2 subject, $3 role. */
export const CHANGE_ROLE = sql<MemberRow>(
  `UPDATE project_members SET role = $3 WHERE project_id = $1 AND subject = $2 RETURNING ${columns(ProjectMemberEntity)}`,
);

/** $1 project, $2 subject. */
export const REMOVE_MEMBER = sql<MemberRow>(
  `DELETE FROM project_members WHERE project_id = $1 AND subject = $2 RETURNING ${columns(ProjectMemberEntity)}`,
);

/** $1 project. */
export const REMOVE_MEMBERS = sql<never>('DELETE FROM project_members WHERE project_id = $1');

/** $1 project, $2 subject. */
export const REMOVE_NOTIFICATIONS = sql<never>(
  'DELETE FROM member_notifications WHERE project_id = $1 AND subject = $2',
  undefined,
  { destroys: true },
);

/** $1 project. */
export const REMOVE_ALL_NOTIFICATIONS = sql<never>(
  'DELETE FROM member_notifications WHERE project_id = $1',
  undefined,
  { destroys: true },
);

/** $1 subject. */
export const MEMBERSHIPS = sql<Pick<MemberRow, 'projectId'>>(
  'SELECT project_id AS "projectId" FROM project_members WHERE subject = $1 ORDER BY project_id',
);

/** $1 subject. */
export const LEAVE_ALL = sql<Pick<MemberRow, 'projectId' | 'role'>>(
  'DELETE FROM project_members WHERE subject = $1 RETURNING project_id AS "projectId", role',
);

/** $1 project, $2 owner, $3 now. */
export const SET_OWNER = sql<never>(
  `UPDATE projects SET owner_id = $2, updated_at = CASE WHEN updated_at > $3 THEN updated_at ELSE $3 END WHERE id = $1`,
);

/** Parameters: `columnValues(ProjectInvitationEntity, …)`. */
export const ADD_INVITATION = sql<never>(
  `INSERT INTO project_invitations ${inserted(ProjectInvitationEntity)}`,
);

/** $1 project, $2 now. */
export const LIST_INVITATIONS = sql<InvitationRow>(
  `SELECT ${columns(ProjectInvitationEntity)} FROM project_invitations
   WHERE project_id = $1 AND expires_at > $2 ORDER BY created_at, id`,
);

/** $1 invitation. */
export const FIND_INVITATION = sql<InvitationRow>(
  `SELECT ${columns(ProjectInvitationEntity)} FROM project_invitations WHERE id = $1`,
);

/** $1 project, $2 address. */
export const REMOVE_INVITATIONS_OF = sql<Pick<InvitationRow, 'id' | 'role'>>(
  'DELETE FROM project_invitations WHERE project_id = $1 AND email = $2 RETURNING id, role',
  undefined,
  { destroys: true },
);

/** $1 project, $2 invitation. */
export const REMOVE_INVITATION = sql<InvitationRow>(
  `DELETE FROM project_invitations WHERE project_id = $1 AND id = $2 RETURNING ${columns(ProjectInvitationEntity)}`,
  undefined,
  { destroys: true },
);

/** $1 project. */
export const REMOVE_INVITATIONS = sql<Pick<InvitationRow, 'id'>>(
  'DELETE FROM project_invitations WHERE project_id = $1 RETURNING id',
  undefined,
  { destroys: true },
);

/** $1 now. */
export const REMOVE_EXPIRED_INVITATIONS = sql<Pick<InvitationRow, 'id'>>(
  'DELETE FROM project_invitations WHERE expires_at <= $1 RETURNING id',
  undefined,
  { destroys: true },
);
