import { columnNames, inserted } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import { DataKeyEntity } from './data-key.entity.js';

/** Parameters: `columnValues(DataKeyEntity, …)`. Returns no row if the purpose has a key in this state. */
export const ADD_IF_NONE = sql<{ id: string }>(
  `INSERT INTO data_keys ${inserted(DataKeyEntity)}
   ON CONFLICT DO NOTHING RETURNING id`,
);

/** $1 new wrapped key, $2 new master key, $3 id, $4 old wrapped key. */
const rewrapIn = (table: string) =>
  sql<{ id: string }>(
    `UPDATE ${table} SET wrapped = $1, master_key_id = $2 WHERE id = $3 AND wrapped = $4 RETURNING id`,
    undefined,
    { destroys: true },
  );
export const REWRAP = [rewrapIn('data_keys'), rewrapIn('retired_data_keys')];

/** $1 id. Locks the row of a published key. Returns nothing for a key in another state. */
export const LOCK_PUBLISHED = sql<{ id: string }>(
  `UPDATE data_keys SET state = state WHERE id = $1 AND state = 'published' RETURNING id`,
);

/** $1 purpose. */
export const SUPERSEDE = sql<never>(
  `UPDATE data_keys SET state = 'superseded' WHERE purpose = $1 AND state = 'primary'`,
);

/** $1 id. */
export const MAKE_PRIMARY = sql<never>(`UPDATE data_keys SET state = 'primary' WHERE id = $1`);

const KEPT = columnNames(DataKeyEntity, ['id', 'purpose', 'wrapped', 'masterKeyId', 'createdAt']);

/** $1 id, $2 now. */
export const KEEP_AS_RETIRED = sql<{ id: string }>(
  `INSERT INTO retired_data_keys (${KEPT}, retired_at)
   SELECT ${KEPT}, $2 FROM data_keys WHERE id = $1 AND state = 'superseded' RETURNING id`,
);

export const TAKE_OUT_OF_USE = sql<never>('DELETE FROM data_keys WHERE id = $1');
