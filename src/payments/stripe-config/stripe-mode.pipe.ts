import { Injectable, type PipeTransform } from '@nestjs/common';
import { ValidationFailed } from '../../common/errors.js';
import { STRIPE_MODES, type StripeMode } from './credential-rules.js';

/** Reads the `{mode}` of a path. */
@Injectable()
export class StripeModePipe implements PipeTransform<string, StripeMode> {
  transform(value: string): StripeMode {
    const mode = STRIPE_MODES.find((known) => known === value);
    if (!mode) throw new ValidationFailed([{ loc: ['path', 'mode'], msg: 'must be test or live', type: 'enum' }]);
    return mode;
  }
}
