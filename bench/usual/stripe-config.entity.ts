import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, UpdateDateColumn } from 'typeorm';

@Entity('usual_stripe_configs')
export class StripeConfig {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ name: 'project_id', type: 'uuid', unique: true })
  projectId: string;

  @Column({ name: 'is_active', type: Boolean, default: true })
  isActive: boolean;

  @Column({ name: 'test_secret_key', type: 'text', nullable: true })
  testSecretKey: string | null;

  @Column({ name: 'test_publishable_key', type: 'text', nullable: true })
  testPublishableKey: string | null;

  @Column({ name: 'test_webhook_secret', type: 'text', nullable: true })
  testWebhookSecret: string | null;

  @Column({ name: 'live_secret_key', type: 'text', nullable: true })
  liveSecretKey: string | null;

  @Column({ name: 'live_publishable_key', type: 'text', nullable: true })
  livePublishableKey: string | null;

  @Column({ name: 'live_webhook_secret', type: 'text', nullable: true })
  liveWebhookSecret: string | null;

  @Column({ name: 'test_configured_at', type: Date, nullable: true })
  testConfiguredAt: Date | null;

  @Column({ name: 'live_configured_at', type: Date, nullable: true })
  liveConfiguredAt: Date | null;

  @CreateDateColumn({ name: 'created_at' })
  createdAt: Date;

  @UpdateDateColumn({ name: 'updated_at' })
  updatedAt: Date;
}
