import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { DatabaseNotifications } from '../../database/database-notifications.js';

export const CONFIG_CHANNEL = 'stripe_config_changed';

type Listener = (projectId: ProjectId) => void;

/** Tells caches of this process which project's configuration changed, wherever it was changed. */
@Injectable()
export class ConfigChanges {
  readonly #listeners: Listener[] = [];

  constructor(private readonly notifications: DatabaseNotifications) {
    notifications.subscribe(CONFIG_CHANNEL, (projectId) => this.announce(projectId as ProjectId));
  }

  /** Whether changes made by other processes reach this one at the moment. While not, no cache may be believed. */
  get areComplete(): boolean {
    return this.notifications.areComplete;
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** To be called after a write of this process; writes of others come through the database. */
  announce(projectId: ProjectId): void {
    for (const listener of this.#listeners) listener(projectId);
  }

  /** Everything may have changed: called when the connection that brings the changes was lost. */
  onGap(listener: () => void): void {
    this.notifications.onGap(listener);
  }
}
