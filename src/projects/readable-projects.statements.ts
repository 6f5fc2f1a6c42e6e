/**
 * SQL: the live projects in which a subject has a role, each with its columns and `role`. Lists and statistics
 * over several projects read from it and from nothing else: `FROM ${readableProjects('$1')} p`. An owner has
 * no row in `project_members`, so no project comes twice.
 */
export function readableProjects(subject: string): string {
  return `(
    SELECT p.*, 'owner' AS role FROM projects p WHERE p.owner_id = ${subject} AND p.deleted_at IS NULL
    UNION ALL
    SELECT p.*, m.role FROM project_members m JOIN projects p ON p.id = m.project_id
    WHERE m.subject = ${subject} AND p.deleted_at IS NULL)`;
}
