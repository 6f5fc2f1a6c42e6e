import { ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import { EncryptionService } from './encryption.service.js';
import { Project } from './project.entity.js';
import { type SaveStripeConfigDto, StripeConfigDto } from './stripe-config.dto.js';
import { StripeConfig } from './stripe-config.entity.js';

@Injectable()
export class StripeConfigService {
  private readonly projects: Repository<Project>;
  private readonly configs: Repository<StripeConfig>;

  constructor(
    dataSource: DataSource,
    private readonly encryption: EncryptionService,
  ) {
    this.projects = dataSource.getRepository(Project);
    this.configs = dataSource.getRepository(StripeConfig);
  }

  async find(projectId: string, userId: string): Promise<StripeConfigDto | null> {
    await this.assertOwner(projectId, userId);
    const config = await this.configs.findOne({ where: { projectId } });
    return config && this.toDto(config);
  }

  async save(projectId: string, userId: string, dto: SaveStripeConfigDto): Promise<StripeConfigDto> {
    await this.assertOwner(projectId, userId);
    const config =
      (await this.configs.findOne({ where: { projectId } })) ?? this.configs.create({ projectId });
    const now = new Date();
    if (dto.test_secret_key) config.testSecretKey = this.encryption.encrypt(dto.test_secret_key);
    if (dto.test_publishable_key)
      config.testPublishableKey = this.encryption.encrypt(dto.test_publishable_key);
    if (dto.test_webhook_secret) config.testWebhookSecret = this.encryption.encrypt(dto.test_webhook_secret);
    if (dto.live_secret_key) config.liveSecretKey = this.encryption.encrypt(dto.live_secret_key);
    if (dto.live_publishable_key)
      config.livePublishableKey = this.encryption.encrypt(dto.live_publishable_key);
    if (dto.live_webhook_secret) config.liveWebhookSecret = this.encryption.encrypt(dto.live_webhook_secret);
    if (dto.test_secret_key || dto.test_publishable_key || dto.test_webhook_secret)
      config.testConfiguredAt = now;
    if (dto.live_secret_key || dto.live_publishable_key || dto.live_webhook_secret)
      config.liveConfiguredAt = now;
    config.isActive = true;
    return this.toDto(await this.configs.save(config));
  }

  private async assertOwner(projectId: string, userId: string): Promise<void> {
    const project = await this.projects.findOne({ where: { id: projectId } });
    if (!project) throw new NotFoundException('Project not found');
    if (project.ownerId !== userId) throw new ForbiddenException('Not your project');
  }

  private toDto(config: StripeConfig): StripeConfigDto {
    return new StripeConfigDto({
      id: config.id,
      project_id: config.projectId,
      is_active: config.isActive,
      has_test_credentials: Boolean(config.testSecretKey),
      has_live_credentials: Boolean(config.liveSecretKey),
      test_secret_key_masked: this.mask(config.testSecretKey),
      test_publishable_key_masked: this.mask(config.testPublishableKey),
      test_webhook_secret_masked: this.mask(config.testWebhookSecret),
      live_secret_key_masked: this.mask(config.liveSecretKey),
      live_publishable_key_masked: this.mask(config.livePublishableKey),
      live_webhook_secret_masked: this.mask(config.liveWebhookSecret),
      test_configured_at: config.testConfiguredAt,
      live_configured_at: config.liveConfiguredAt,
      created_at: config.createdAt,
      updated_at: config.updatedAt,
    });
  }

  private mask(encrypted: string | null): string | null {
    if (!encrypted) return null;
    const value = this.encryption.decrypt(encrypted);
    return value.replace(/^((?:[sp]k_(?:test|live)|whsec)_).*(.{4})$/, '$1...$2');
  }
}
