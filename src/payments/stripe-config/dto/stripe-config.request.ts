import { ApiSchema } from '@nestjs/swagger';
import { ForbidUnknownFields } from '../../../http/request.pipe.js';
import { StripeCredential } from '../credential.decorator.js';
import type { CredentialChanges } from '../stripe-config.js';

@ApiSchema({ description: 'The credentials to store. Every field is optional; a field that is absent or `null` keeps its stored value.' })
@ForbidUnknownFields()
export class StripeConfigRequest implements CredentialChanges {
  @StripeCredential()
  test_secret_key?: string | null;

  @StripeCredential()
  test_publishable_key?: string | null;

  @StripeCredential()
  test_webhook_secret?: string | null;

  @StripeCredential()
  live_secret_key?: string | null;

  @StripeCredential()
  live_publishable_key?: string | null;

  @StripeCredential()
  live_webhook_secret?: string | null;
}
