import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ApiNullableString, ApiNullableTime, ApiTime, ApiUuid } from '../../../../http/openapi/api-property.js';
import { toTimestamp } from '../../../../database/database.js';
import type { ConfiguredProjectRow } from '../ledger-overview.repository.js';

@ApiSchema({ description: 'A project, and what is configured of it.' })
class ProjectPaymentConfigResponse {
  @ApiUuid("The project's id.")
  id: string;

  @ApiProperty({ description: "The project's name.", type: String, example: 'Corner shop' })
  name: string;

  @ApiNullableString({ description: 'What it is about.', example: 'Tea and cake' })
  description: string | null;

  @ApiProperty({ description: 'Whether it has a Stripe configuration that is in use.', type: Boolean, example: true })
  has_payment_config: boolean;

  @ApiProperty({ description: 'Whether the test secret key is stored.', type: Boolean, example: true })
  has_test_credentials: boolean;

  @ApiProperty({ description: 'Whether the live secret key is stored.', type: Boolean, example: false })
  has_live_credentials: boolean;

  @ApiNullableTime('When a test credential was last written; `null` when there is none.')
  test_configured_at: string | null;

  @ApiNullableTime('When a live credential was last written; `null` when there is none.')
  live_configured_at: string | null;

  @ApiProperty({ description: 'Whether the project is in use; a deleted one is not listed.', type: Boolean, example: true })
  is_active: boolean;

  @ApiTime('When the project was made.')
  created_at: string;
}

@ApiSchema({ description: 'All projects of a developer, the newest first.' })
export class ProjectPaymentConfigListResponse {
  @ApiProperty({ description: 'The projects.', type: [ProjectPaymentConfigResponse] })
  projects: ProjectPaymentConfigResponse[];

  @ApiProperty({ description: 'How many they are.', type: 'integer', example: 1 })
  total: number;
}

export function toProjectPaymentConfig(row: ConfiguredProjectRow): ProjectPaymentConfigResponse {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    has_payment_config: Boolean(row.is_active),
    has_test_credentials: row.has_test === 1,
    has_live_credentials: row.has_live === 1,
    test_configured_at: row.test_configured_at && toTimestamp(row.test_configured_at),
    live_configured_at: row.live_configured_at && toTimestamp(row.live_configured_at),
    is_active: true,
    created_at: toTimestamp(row.created_at),
  };
}
