import { type DynamicModule, Module } from '@nestjs/common';
import { AccountsModule } from './accounts/accounts.module.js';
import { AuthModule } from './auth/auth.module.js';
import { type Settings, SettingsModule } from './config/settings.js';
import { DatabaseModule } from './database/database.module.js';
import { ENTITIES } from './bootstrap/entities.js';
import { HttpModule } from './http/http.module.js';
import { MonitoringModule } from './monitoring/monitoring.module.js';
import { OperatorModule } from './projects/operator/operator.module.js';
import { PaymentsModule } from './payments/payments.module.js';
import { ProjectsModule } from './projects/projects.module.js';
import { ServiceAccountsModule } from './projects/service-accounts/service-accounts.module.js';
import { VaultModule } from './vault/vault.module.js';

/** Modules with data of projects. A command that deletes a project needs all of them. */
export const FEATURES = [
  AccountsModule,
  ProjectsModule,
  ServiceAccountsModule,
  OperatorModule,
  PaymentsModule,
];

@Module({})
export class AppModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        SettingsModule.forRoot(settings),
        HttpModule,
        DatabaseModule.forRoot(ENTITIES),
        VaultModule,
        AuthModule,
        ...FEATURES,
        MonitoringModule,
      ],
    };
  }
}
