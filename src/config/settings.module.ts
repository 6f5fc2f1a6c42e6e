import { type DynamicModule, Module } from '@nestjs/common';
import { Settings, StoreSettings } from './settings.js';

/** Gives every room the settings that were read at start; a command may have no others than those of the store. */
@Module({})
export class SettingsModule {
  static forRoot(settings: StoreSettings): DynamicModule {
    const tokens = settings instanceof Settings ? [StoreSettings, Settings] : [StoreSettings];
    const providers = tokens.map((provide) => ({ provide, useValue: settings }));
    return { module: SettingsModule, global: true, providers, exports: tokens };
  }
}
