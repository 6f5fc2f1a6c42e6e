import type { OwnerId } from '../common/ids.js';

/** A developer of the built-in authorization server. Times are RFC 3339 in UTC with milliseconds. */
export interface Account {
  readonly id: OwnerId;
  readonly email: string;
  readonly passwordHash: string;
  readonly fullName: string | null;
  readonly createdAt: string;
  readonly isRevoked: boolean;
}
