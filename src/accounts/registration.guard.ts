import { type CanActivate, Injectable } from '@nestjs/common';
import { DomainError } from '../common/errors.js';
import { Settings } from '../config/settings.js';

/** Before the body is looked at: where nobody can register, nothing about an address can be asked. */
@Injectable()
export class RegistrationGuard implements CanActivate {
  constructor(private readonly settings: Settings) {}

  canActivate(): true {
    if (this.settings.authRegistration === 'open') return true;
    throw new DomainError('registration_closed', 'Registration is closed here: ask the operator of this service for an account.');
  }
}
