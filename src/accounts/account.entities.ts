import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import type { OwnerId } from '../common/ids.js';
import { MAX_EMAIL_LENGTH } from '../http/validation/email.js';

/** A developer of the built-in authorization server. */
@Entity('accounts')
@Unique('accounts_email_unique', ['email'])
@Unique('accounts_oidc_identity_unique', ['oidcIdentity'])
export class AccountEntity {
  /** A UUID, the `sub` of the developer's access tokens. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'accounts_pk' })
  id: OwnerId;

  /** Normalized by `normalizeEmail`. `null` if the account was deleted. */
  @Column({ type: 'varchar', length: MAX_EMAIL_LENGTH, nullable: true })
  email: string | null;

  /** Empty if the account has no password. */
  @Column({ name: 'password_hash', type: 'varchar', length: 255 })
  passwordHash: string;

  @Column({ name: 'full_name', type: 'varchar', length: 255, nullable: true })
  fullName: string | null;

  /** SHA-256 of issuer and subject at the identity provider, in base64url. */
  @Column({ name: 'oidc_identity', type: 'varchar', length: 43, nullable: true })
  oidcIdentity: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** Time of the revocation or deletion. Such an account can't log in. */
  @Column({ name: 'revoked_at', type: Date, precision: 3, nullable: true })
  revokedAt: Date | null;
}

/** A login and its refresh tokens. Only the latest token is valid. */
@Entity('account_sessions')
@Index('account_sessions_by_account', ['accountId', 'createdAt', 'id'])
@Index('account_sessions_by_expiry', ['expiresAt'])
export class SessionEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'account_sessions_pk' })
  id: string;

  @Column('uuid', { name: 'account_id' })
  accountId: OwnerId;

  /** SHA-256 of the valid refresh token, in base64url. */
  @Column({ name: 'token_hash', type: 'varchar', length: 43 })
  tokenHash: string;

  /** Hash of the token before it; `null` after a login, or once a browser used that token again. */
  @Column({ name: 'former_hash', type: 'varchar', length: 43, nullable: true })
  formerHash: string | null;

  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt: Date;

  /** From the request that logged in. */
  @Column({ type: 'varchar', length: 64, nullable: true })
  ip: string | null;

  @Column({ name: 'user_agent', type: 'varchar', length: 255, nullable: true })
  userAgent: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** The last refresh, or the login. */
  @Column({ name: 'last_used_at', type: Date, precision: 3 })
  lastUsedAt: Date;

  @ManyToOne(() => AccountEntity)
  @JoinColumn({ name: 'account_id', foreignKeyConstraintName: 'account_sessions_account_fk' })
  account: AccountEntity;
}
