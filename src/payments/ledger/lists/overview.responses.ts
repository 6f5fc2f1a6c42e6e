import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ApiNullableString, ApiNullableTime, ApiTime, ApiUuid } from '../../../http/openapi/api-errors.js';
import type { ConfiguredProject } from './ledger-overview.statements.js';

const DEFAULT_CURRENCY = 'usd';

const Count = (description: string, example = 1) => ApiProperty({ description, type: 'integer', example });
const Cents = (description: string, example = 2000) => ApiProperty({ description, type: 'integer', example });

@ApiSchema({ description: 'Revenue in one currency.' })
class CurrencyRevenue {
  @ApiProperty({ description: 'ISO 4217, in lower case.', type: String, example: DEFAULT_CURRENCY })
  currency: string;

  @Count('Successful payments, including refunded ones.')
  successful_payments: number;

  @Cents('Gross revenue in the smallest unit of the currency.')
  total_revenue_cents: number;

  @Cents('Revenue less refunds and lost disputes.')
  net_revenue_cents: number;

  @Cents('Part of `total_revenue_cents` that was paid outside of Stripe.', 0)
  out_of_band_revenue_cents: number;
}

@ApiSchema({ description: 'Statistics of all readable projects. Currencies are never added up.' })
export class PaymentStatsResponse {
  @Count('Projects.')
  total_projects: number;

  @Count('Projects with a Stripe configuration that is in use.')
  projects_with_config: number;

  @Count('Projects that have a test secret key.')
  projects_with_test: number;

  @Count('Projects that have a live secret key.', 0)
  projects_with_live: number;

  @Count('Subscriptions, including ended ones.')
  total_subscriptions: number;

  @Count('Subscriptions that are active or trialing.')
  active_subscriptions: number;

  @Count('Payments, including failed ones.')
  total_payments: number;

  @Count('Successful payments in all currencies, including refunded ones.')
  successful_payments: number;

  @Cents('Gross revenue in `currency`.')
  total_revenue_cents: number;

  @Cents('Revenue in `currency` less refunds and lost disputes.')
  net_revenue_cents: number;

  @Cents('Part of `total_revenue_cents` that was paid outside of Stripe.', 0)
  out_of_band_revenue_cents: number;

  @ApiProperty({
    description: 'The most used currency (ISO 4217, lower case).',
    type: String,
    default: DEFAULT_CURRENCY,
    example: DEFAULT_CURRENCY,
  })
  currency: string;

  @ApiProperty({ description: 'Revenue in each currency, most used first.', type: [CurrencyRevenue] })
  revenue_by_currency: CurrencyRevenue[];
}

/** Sums of the most used currency. */
export function mainRevenue([mostUsed]: CurrencyRevenue[]): Omit<CurrencyRevenue, 'successful_payments'> {
  const { currency, total_revenue_cents, net_revenue_cents, out_of_band_revenue_cents } = mostUsed ?? {
    currency: DEFAULT_CURRENCY,
    total_revenue_cents: 0,
    net_revenue_cents: 0,
    out_of_band_revenue_cents: 0,
  };
  return { currency, total_revenue_cents, net_revenue_cents, out_of_band_revenue_cents };
}

@ApiSchema({ description: 'A project with its configuration.' })
class ProjectPaymentConfigResponse {
  @ApiUuid("The project's id.")
  id: string;

  @ApiProperty({ description: "The project's name.", type: String, example: 'Corner shop' })
  name: string;

  @ApiNullableString({ description: "The project's description.", example: 'Tea and cake' })
  description: string | null;

  @ApiProperty({
    description: 'Whether the project has an active Stripe configuration.',
    type: Boolean,
    example: true,
  })
  has_payment_config: boolean;

  @ApiProperty({ description: 'Whether the test secret key is stored.', type: Boolean, example: true })
  has_test_credentials: boolean;

  @ApiProperty({ description: 'Whether the live secret key is stored.', type: Boolean, example: false })
  has_live_credentials: boolean;

  @ApiNullableTime('When a test credential was last stored; `null` without one.')
  test_configured_at: string | null;

  @ApiNullableTime('When a live credential was last stored; `null` without one.')
  live_configured_at: string | null;

  @ApiProperty({
    description: 'Always `true`: deleted projects are not listed.',
    type: Boolean,
    example: true,
  })
  is_active: boolean;

  @ApiTime('When the project was made.')
  created_at: string;
}

@ApiSchema({ description: 'All readable projects, newest first.' })
export class ProjectPaymentConfigListResponse {
  @ApiProperty({ description: 'The projects.', type: [ProjectPaymentConfigResponse] })
  projects: ProjectPaymentConfigResponse[];

  @ApiProperty({ description: 'Number of projects.', type: 'integer', example: 1 })
  total: number;
}

export function toProjectPaymentConfig(project: ConfiguredProject): ProjectPaymentConfigResponse {
  return {
    id: project.id,
    name: project.name,
    description: project.description,
    has_payment_config: project.isActive === true,
    has_test_credentials: project.testKeyWrittenAt !== null,
    has_live_credentials: project.liveKeyWrittenAt !== null,
    test_configured_at: project.testConfiguredAt?.toISOString() ?? null,
    live_configured_at: project.liveConfiguredAt?.toISOString() ?? null,
    is_active: true,
    created_at: project.createdAt.toISOString(),
  };
}
