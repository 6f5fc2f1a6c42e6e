import { open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { INestApplicationContext } from '@nestjs/common';
import type { Command } from 'commander';
import { DataSource, In, IsNull, MoreThan, type Repository } from 'typeorm';
import { throwIfInterrupted } from '../common/deadline.js';
import { DomainError } from '../common/errors.js';
import type { ProjectId } from '../common/ids.js';
import { reachingDatabase } from '../database/database-errors.js';
import { HistoryTrail } from '../history/history-trail.js';
import { PaymentsModule } from '../payments/payments.module.js';
import type { CredentialField } from '../payments/stripe-config/credential-rules.js';
import { CredentialSealer } from '../payments/stripe-config/credential-sealer.js';
import { StripeCredentialEntity } from '../payments/stripe-config/stripe-config.entities.js';
import { ProjectEntity } from '../projects/project.entity.js';
import { projectId } from './arguments.js';
import {
  codeOf,
  CommandFailed,
  OutputFailed,
  print,
  type Progress,
  type Report,
  WrongUsage,
} from './output.js';
import { OPERATOR, type Runner, type Session } from './session.js';

const PAGE = 100;

interface Options {
  recipient: string[];
  output?: string;
  project?: ProjectId;
  json?: true;
}

export function addTo(program: Command, run: Runner): void {
  program
    .command('export')
    .summary('write projects with their credentials, encrypted, for another installation')
    .description(
      'Writes projects with their credentials in the form that `import` reads, encrypted by age to the recipients alone. The history of the installation notes it.',
    )
    .requiredOption('--recipient <key>', 'a public key of age (age1…), also several times', add)
    .option('--output <file>', 'the file to make; without it the standard output')
    .option('--project <id>', 'only this project', projectId)
    .action(run(exportProjects));
}

function add(text: string, others: string[] = []): string[] {
  return [...others, text];
}

async function exportProjects(session: Session, options: Options): Promise<Report> {
  const { recipient: recipients, output, project, json: isJson } = options;
  const encrypter = await encrypterFor(recipients);
  if (output === undefined && isJson) throw new WrongUsage('With --json, name the file by --output.');
  if (output === undefined && process.stdout.isTTY)
    throw new WrongUsage('The export is not for a terminal: name a file by --output.');
  const services = await session.open({ imports: [PaymentsModule], settings: 'server' });
  const rows = new ExportedRows(services, project);
  const total = await rows.count();
  if (project && total === 0) throw new CommandFailed('There is no project with this id.');
  const file = output === undefined ? undefined : await create(output);
  const lines = Readable.from(rows.read(session, session.progress('Exporting', total)), {
    objectMode: false,
  });
  try {
    await services
      .get(HistoryTrail)
      .recordSystemEvent('projects.exported', { recipients, ...(project && { project }) }, OPERATOR);
    const encrypted = await encrypter.encrypt(Readable.toWeb(lines) as ReadableStream<Uint8Array>);
    if (file) await pipeline(encrypted, file.createWriteStream({ flush: true }));
    else await pipeline(encrypted, printAll);
  } catch (error) {
    if (output !== undefined) await rm(output, { force: true });
    if (error instanceof OutputFailed) throw error;
    throw isFull(error) ? new CommandFailed('There is no room for the export: choose another disk.') : error;
  }
  return rows.report(output);
}

/** @throws CommandFailed. Never repeats the key, which may be a private one. */
async function encrypterFor(recipients: readonly string[]) {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch {
      throw new WrongUsage(
        '--recipient is no public key of age. Those begin with age1; `age-keygen -y` prints that of a private key.',
      );
    }
  }
  return encrypter;
}

async function create(path: string) {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    throw new CommandFailed(
      codeOf(error) === 'EEXIST'
        ? 'There is a file of this name already, and it is not overwritten: choose another name.'
        : 'The file can not be written: check the path, its permissions and the disk.',
    );
  }
}

/** Reads projects page by page as lines of JSON, with their credentials in the clear. */
class ExportedRows {
  readonly #projects: Repository<ProjectEntity>;
  readonly #credentials: Repository<StripeCredentialEntity>;
  readonly #sealer: CredentialSealer;
  #written = 0;
  #values = 0;
  readonly #unreadable: { project_id: ProjectId; field: CredentialField }[] = [];

  constructor(
    services: INestApplicationContext,
    private readonly project: ProjectId | undefined,
  ) {
    const dataSource = services.get(DataSource);
    this.#projects = dataSource.getRepository(ProjectEntity);
    this.#credentials = dataSource.getRepository(StripeCredentialEntity);
    this.#sealer = services.get(CredentialSealer);
  }

  count(): Promise<number> {
    const where = { deletedAt: IsNull(), ...(this.project && { id: this.project }) };
    return reachingDatabase(this.#projects.countBy(where));
  }

  async *read({ signal }: Session, bar: Progress): AsyncGenerator<Buffer> {
    let page: ProjectEntity[] = [];
    do {
      await throwIfInterrupted(signal);
      page = await this.#pageAfter(page.at(-1)?.id);
      const ids = page.map(({ id }) => id);
      const stored = await reachingDatabase(this.#credentials.findBy({ projectId: In(ids), slot: 0 }));
      const lines = await Promise.all(
        page.map(async ({ id, ownerId, name }) => {
          const own = stored.filter((credential) => credential.projectId === id);
          const values = await Promise.all(own.map((credential) => this.#open(credential)));
          return JSON.stringify({
            project_id: id,
            owner_id: ownerId,
            name,
            ...Object.fromEntries(values.flat()),
          });
        }),
      );
      this.#written += page.length;
      bar.add(page.length);
      if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`);
    } while (page.length === PAGE);
  }

  report(output: string | undefined): Report {
    const unreadable = this.#unreadable.map(({ project_id: id, field }) => `Project ${id}: ${field}`);
    const text = [
      `Wrote ${this.#written} projects with ${this.#values} credentials${output === undefined ? '' : ` to ${output}`}, encrypted.`,
      ...(unreadable.length > 0 ? ['These can not be opened, and are left out:', ...unreadable] : []),
    ].join('\n');
    return {
      text,
      json: {
        file: output ?? null,
        projects: this.#written,
        credentials: this.#values,
        unreadable: this.#unreadable,
      },
      isBad: unreadable.length > 0,
      isBesideOutput: output === undefined,
    };
  }

  #pageAfter(last: ProjectId | undefined): Promise<ProjectEntity[]> {
    if (this.project && last) return Promise.resolve([]);
    const id = this.project ?? (last && MoreThan(last));
    const where = { deletedAt: IsNull(), ...(id && { id }) };
    return reachingDatabase(this.#projects.find({ where, order: { id: 'ASC' }, take: PAGE }));
  }

  /** @returns no entry for a credential that can't be opened */
  async #open({
    projectId: id,
    mode,
    kind,
    sealed,
  }: StripeCredentialEntity): Promise<[CredentialField, string][]> {
    const field: CredentialField = `${mode}_${kind}`;
    try {
      const value = await this.#sealer.unseal(id, field, sealed);
      this.#values += 1;
      return [[field, value.reveal()]];
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'credential_unreadable')) throw error;
      this.#unreadable.push({ project_id: id, field });
      return [];
    }
  }
}

async function printAll(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) await print(process.stdout, chunk);
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
}
