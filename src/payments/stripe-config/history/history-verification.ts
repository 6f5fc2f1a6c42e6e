import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { HistoryRepository } from '../../../history/history.repository.js';
import { type ChainReport, HistoryVerifier } from '../../../history/history-verifier.js';
import { compareCredentials } from './stored-credentials.js';

/** Verifies the history of one project, as `audit verify` does for all. */
@Injectable()
export class HistoryVerification {
  /** A verification reads the whole history, so concurrent requests share one. */
  readonly #running = new Map<ProjectId, Promise<ChainReport>>();

  constructor(
    private readonly verifier: HistoryVerifier,
    private readonly history: HistoryRepository,
    private readonly dataSource: DataSource,
  ) {}

  verify(projectId: ProjectId): Promise<ChainReport> {
    const running =
      this.#running.get(projectId) ?? this.#verify(projectId).finally(() => this.#running.delete(projectId));
    this.#running.set(projectId, running);
    return running;
  }

  async #verify(projectId: ProjectId): Promise<ChainReport> {
    const report = await this.verifier.verify(projectId);
    // A broken history proves nothing about the credentials.
    if (report.problems.length > 0) return report;
    // Every project begins with an entry.
    if (report.entries === 0) return { entries: 0, problems: ['there is no history of the project'] };
    return { ...report, problems: await compareCredentials(this.history, this.dataSource, projectId) };
  }
}
