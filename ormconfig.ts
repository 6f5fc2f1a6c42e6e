import { loadEnvFile } from './src/config/environment.js';
import { loadSettings } from './src/config/load-settings.js';
import { createMigrationDataSource } from './src/database/data-source.js';
import { ENTITIES } from './src/bootstrap/entities.js';

// As server.ts does: what is written here is nobody else's business.
process.umask(0o077);
loadEnvFile();
const { directDatabase } = loadSettings(process.env);

/** For TypeORM's command line: `npm run typeorm -- migration:show`. */
export default createMigrationDataSource(directDatabase, ENTITIES);
