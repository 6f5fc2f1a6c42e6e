import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Settings } from '../config/settings.js';

/** All metrics of this process. Never a tenant's data: no project, no key, no name. */
@Injectable()
export class MetricsRegistry extends Registry {
  /** Whether anybody can read them; nothing is counted for nobody. */
  readonly isOn: boolean;

  constructor({ metricsToken }: Settings) {
    super();
    this.isOn = metricsToken !== undefined;
  }
}
