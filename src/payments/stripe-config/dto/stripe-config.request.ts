import { ApiSchema } from '@nestjs/swagger';
import { ForbidUnknownFields } from '../../../http/request.pipe.js';
import { StripeCredential } from '../credential.decorator.js';
import { CREDENTIAL_RULES } from '../credential-rules.js';

/** Read as `CredentialChanges`: one property for each rule. */
@ApiSchema({ description: 'The credentials to store. Every field is optional; a field that is absent or `null` keeps its stored value.' })
@ForbidUnknownFields()
export class StripeConfigRequest {}

for (const rule of CREDENTIAL_RULES) StripeCredential(rule)(StripeConfigRequest.prototype, rule.field);
