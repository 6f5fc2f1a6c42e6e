import type { Actor } from '../../common/actor.js';
import type { Project } from '../../projects/project.js';
import type { CredentialChanges } from './stripe-config.js';

/** Somebody who can ask Stripe about keys before they are stored. */
export abstract class SecretKeyChecker {
  /**
   * @returns what to do once the changes are stored; it never fails
   * @throws ValidationFailed when Stripe doesn't accept a secret key; DomainError `stripe_unavailable`, `rate_limited`, `already_running`
   */
  abstract checkChanges(project: Pick<Project, 'id' | 'ownerId'>, changes: CredentialChanges, actor: Actor): Promise<() => Promise<void>>;
}
