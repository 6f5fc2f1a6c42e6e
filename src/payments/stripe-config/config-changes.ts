import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { DatabaseNotifications } from '../../database/database-notifications.js';

export const CONFIG_CHANNEL = 'stripe_config_changed';

/** Milliseconds that a cache may go without looking: a process that dies right after a write may not have told the others. */
export const MAX_AGE_MS = 1_500;

type Listener = (projectId: ProjectId) => void;

/** Tells caches of this process which project's configuration changed, wherever it was changed. */
@Injectable()
export class ConfigChanges {
  readonly #listeners: Listener[] = [];

  constructor(private readonly notifications: DatabaseNotifications) {
    notifications.subscribe(CONFIG_CHANNEL, (projectId) => this.announce(projectId as ProjectId));
  }

  /** Whether changes made by other processes reach this one at the moment. While not, no cache may be used. */
  isCurrent(): boolean {
    return this.notifications.isCurrent();
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** To be called after a write of this process that notified the others itself. */
  announce(projectId: ProjectId): void {
    for (const listener of this.#listeners) listener(projectId);
  }

  /** The same for a write that didn't. */
  announceEverywhere(projectId: ProjectId): void {
    this.announce(projectId);
    this.notifications.send(CONFIG_CHANNEL, projectId);
  }

  /** Everything may have changed: called when the connection that brings the changes was lost. */
  onDisconnect(listener: () => void): void {
    this.notifications.onDisconnect(listener);
  }
}
