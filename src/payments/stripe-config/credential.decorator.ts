import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { ApiNullableString } from '../../http/openapi/api-property.js';
import { Checked } from '../../http/fields.js';
import { credentialProblem } from './credential-problem.js';
import { CREDENTIAL_RULES, type CredentialRule, MAX_CREDENTIAL_LENGTH } from './credential-rules.js';

/** The field of a credential: everything about it comes from the rule with the property's name. */
export function StripeCredential(): PropertyDecorator {
  return (target, property) => {
    const rule = CREDENTIAL_RULES.find(({ field }) => field === property);
    if (!rule) throw new Error(`${String(property)} has no credential rule.`);
    applyDecorators(
      ApiNullableString(schemaOf(rule)),
      Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value)),
      IsOptional(),
      Checked((value, { stripeAcceptRestrictedKeys: acceptRestrictedKeys }) => credentialProblem(rule, value, { acceptRestrictedKeys })),
    )(target, property);
  };
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
