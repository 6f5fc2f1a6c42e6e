import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';

interface NullableOptions {
  description: string;
  example: string;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  writeOnly?: boolean;
  required?: boolean;
}

/** A string or `null`, as OpenAPI 3.1 says it. */
export function ApiNullableString({ description, example, required = true, writeOnly, ...schema }: NullableOptions): PropertyDecorator {
  // A property that is declared by a loop has no type to reflect. Beside `anyOf` the type is dropped.
  const options: ApiPropertyOptions = {
    type: 'string',
    description,
    example,
    required,
    anyOf: [{ type: 'string', ...schema }, { type: 'null' }],
  };
  return ApiProperty(writeOnly ? { ...options, writeOnly } : options);
}

const UUID = { format: 'uuid', example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11' };

export const ApiUuid = (description: string): PropertyDecorator => ApiProperty({ description, type: 'string', ...UUID });

export const ApiNullableUuid = (description: string): PropertyDecorator => ApiNullableString({ description, ...UUID });

const TIME = { format: 'date-time', example: '2026-11-21T09:30:00.000Z' };

/** RFC 3339, UTC, always three decimals and `Z`. */
export const ApiTime = (description: string): PropertyDecorator => ApiProperty({ description, type: 'string', ...TIME });

export const ApiNullableTime = (description: string): PropertyDecorator => ApiNullableString({ description, ...TIME });
