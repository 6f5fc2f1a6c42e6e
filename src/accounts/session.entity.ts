import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { OwnerId } from '../common/ids.js';
import { AccountEntity } from './account.entity.js';

/** One login and all refresh tokens that followed from it; only the last of them is good. */
@Entity('account_sessions')
@Index('account_sessions_by_account', ['accountId'])
@Index('account_sessions_by_expiry', ['expiresAt'])
export class SessionEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'account_sessions_pk' })
  id: string;

  @Column('uuid', { name: 'account_id' })
  accountId: OwnerId;

  /** SHA-256 of the refresh token that is good now, in base64url. */
  @Column({ name: 'token_hash', type: 'varchar', length: 43 })
  tokenHash: string;

  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt: Date;

  @ManyToOne(() => AccountEntity)
  @JoinColumn({ name: 'account_id', foreignKeyConstraintName: 'account_sessions_account_fk' })
  account: AccountEntity;
}
