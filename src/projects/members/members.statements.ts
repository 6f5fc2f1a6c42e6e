import { sql } from '../../database/database.js';
import type { GivenRole } from '../permissions.js';

/** $1 project, $2 subject. Runs for each request of a member who is not the owner. */
export const FIND_ROLE = sql<{ role: GivenRole }>(
  'SELECT role FROM project_members WHERE project_id = $1 AND subject = $2',
  'find_role_of_member',
);
