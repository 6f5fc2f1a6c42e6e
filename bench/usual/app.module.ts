import { Module } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import { DataSource } from 'typeorm';
import { EncryptionService } from './encryption.service.js';
import { JwtStrategy } from './jwt.strategy.js';
import { Project } from './project.entity.js';
import { StripeConfig } from './stripe-config.entity.js';
import { StripeConfigController } from './stripe-config.controller.js';
import { StripeConfigService } from './stripe-config.service.js';

function connect(): Promise<DataSource> {
  const url = process.env.DATABASE_URL ?? '';
  const shared = { entities: [Project, StripeConfig], synchronize: true };
  const dataSource = url.startsWith('sqlite:')
    ? new DataSource({
        ...shared,
        type: 'better-sqlite3',
        database: url.slice('sqlite:'.length),
        // What the others promise the disk, so that all three wait for it alike.
        prepareDatabase: (driver: { pragma(text: string): void }) => {
          driver.pragma('journal_mode = WAL');
          driver.pragma('synchronous = FULL');
        },
      })
    : new DataSource({ ...shared, type: 'postgres', url, poolSize: 10 });
  return dataSource.initialize();
}

@Module({
  imports: [PassportModule],
  controllers: [StripeConfigController],
  providers: [
    { provide: DataSource, useFactory: connect },
    JwtStrategy,
    EncryptionService,
    StripeConfigService,
  ],
})
export class AppModule {}
