import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { ApiNullableString } from '../../http/openapi/api-property.js';
import { Checked } from '../../http/fields.js';
import { credentialProblem } from './credential-problem.js';
import { type CredentialRule, MAX_CREDENTIAL_LENGTH } from './credential-rules.js';

/** The field of a credential in a request. */
export function StripeCredential(rule: CredentialRule): PropertyDecorator {
  return applyDecorators(
    ApiNullableString(schemaOf(rule)),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value)),
    IsOptional(),
    Checked((value, { stripeAcceptRestrictedKeys: acceptRestrictedKeys }) => credentialProblem(rule, value, { acceptRestrictedKeys })),
  );
}

/** The pattern allows surrounding whitespace, which is dropped. */
function schemaOf({ mode, kind, prefix, restrictedPrefix }: CredentialRule): Parameters<typeof ApiNullableString>[0] {
  const prefixes = restrictedPrefix ? `(?:${prefix}|${restrictedPrefix})` : prefix;
  return {
    description: `The ${mode} ${kind.replace('_', ' ')}, at most ${MAX_CREDENTIAL_LENGTH} characters. Absent or \`null\` keeps what is stored.`,
    example: prefix + (mode === 'test' ? 'a' : 'b').repeat(32),
    pattern: `^\\s*${prefixes}[A-Za-z0-9_]+\\s*$`,
    required: false,
    writeOnly: true,
  };
}
