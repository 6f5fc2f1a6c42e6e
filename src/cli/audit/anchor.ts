import { AuditModule } from '../../audit/audit.module.js';
import { AuditRepository } from '../../audit/audit.repository.js';
import type { Report } from '../reporting.js';
import type { Session } from '../session.js';
import { anchorFile } from './anchor-file.js';

export async function anchor(session: Session): Promise<Report> {
  const services = await session.servicesWithoutKeys([AuditModule]);
  const json = anchorFile(await services.get(AuditRepository).listHeads(), new Date());
  return { text: JSON.stringify(json, null, 2), json };
}
