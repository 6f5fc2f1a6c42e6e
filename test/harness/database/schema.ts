import type { DataSource, QueryRunner } from 'typeorm';

const ON_POSTGRES = [
  `SELECT table_name || '.' || column_name || ' ' || concat_ws(' ', udt_name, character_maximum_length, datetime_precision, is_nullable, regexp_replace(column_default, '^''(.*)''::.*', '\\1')) AS line
   FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> 'migrations'`,
  `SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS line
   FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND conrelid::regclass::text <> 'migrations'`,
  // TypeORM knows no collation of an index.
  `SELECT replace(indexdef, ' COLLATE "C"', '') AS line FROM pg_indexes WHERE schemaname = current_schema() AND tablename <> 'migrations'`,
];

const ON_SQLITE = [
  `SELECT t.name || '.' || c.name || ' ' || concat_ws(' ', lower(c.type), c."notnull", c.dflt_value, c.pk) AS line
   FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT IN ('migrations', 'sqlite_sequence')`,
  `SELECT t.name || ' ' || concat_ws(' ', f."from", f."table", f."to", f.on_update, f.on_delete) AS line
   FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'`,
  `SELECT t.name || ' ' || concat_ws(' ', CASE i.origin WHEN 'c' THEN i.name ELSE i.origin END, i."unique", (SELECT group_concat(name) FROM pragma_index_info(i.name)),
     (SELECT substr(sql, instr(sql, 'WHERE')) FROM sqlite_schema WHERE name = i.name AND i.partial)) AS line
   FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table'`,
];

/** A partition of a table, which has all that the table has. */
export const PARTITION = /_deliveries_(?:default|\d{8})/;

/** Columns, keys and indexes of every table except TypeORM's, sorted, one per line. */
export async function schemaOf(source: DataSource): Promise<string[]> {
  const statements = source.options.type === 'postgres' ? ON_POSTGRES : ON_SQLITE;
  const lines: string[] = [];
  for (const statement of statements)
    lines.push(...(await source.query<{ line: string }[]>(statement)).map(({ line }) => line));
  return lines
    .filter((line) => !PARTITION.test(line))
    .map((line) => line.replace(' ON ONLY ', ' ON '))
    .sort();
}

/** @param runner which may have the only connection of its data source */
export async function triggersIn(runner: QueryRunner): Promise<string[]> {
  const statement =
    runner.dataSource.options.type === 'postgres'
      ? 'SELECT tgname AS name FROM pg_trigger WHERE NOT tgisinternal'
      : `SELECT name FROM sqlite_schema WHERE type = 'trigger'`;
  return ((await runner.query(statement)) as { name: string }[]).map(({ name }) => name).sort();
}
