import { Exclude, Expose, Transform } from 'class-transformer';
import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';

const Trim = () =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value));

export class SaveStripeConfigDto {
  @Trim()
  @IsOptional()
  @IsString()
  @MaxLength(512)
  @Matches(/^sk_test_[A-Za-z0-9_]+$/)
  test_secret_key?: string | null;

  @Trim()
  @IsOptional()
  @IsString()
  @MaxLength(512)
  @Matches(/^pk_test_[A-Za-z0-9_]+$/)
  test_publishable_key?: string | null;

  @Trim()
  @IsOptional()
  @IsString()
  @MaxLength(512)
  @Matches(/^whsec_[A-Za-z0-9_]+$/)
  test_webhook_secret?: string | null;

  @Trim()
  @IsOptional()
  @IsString()
  @MaxLength(512)
  @Matches(/^sk_live_[A-Za-z0-9_]+$/)
  live_secret_key?: string | null;

  @Trim()
  @IsOptional()
  @IsString()
  @MaxLength(512)
  @Matches(/^pk_live_[A-Za-z0-9_]+$/)
  live_publishable_key?: string | null;

  @Trim()
  @IsOptional()
  @IsString()
  @MaxLength(512)
  @Matches(/^whsec_[A-Za-z0-9_]+$/)
  live_webhook_secret?: string | null;
}

@Exclude()
export class StripeConfigDto {
  @Expose()
  id: string;

  @Expose()
  project_id: string;

  @Expose()
  is_active: boolean;

  @Expose()
  has_test_credentials: boolean;

  @Expose()
  has_live_credentials: boolean;

  @Expose()
  test_secret_key_masked: string | null;

  @Expose()
  test_publishable_key_masked: string | null;

  @Expose()
  test_webhook_secret_masked: string | null;

  @Expose()
  live_secret_key_masked: string | null;

  @Expose()
  live_publishable_key_masked: string | null;

  @Expose()
  live_webhook_secret_masked: string | null;

  @Expose()
  test_configured_at: Date | null;

  @Expose()
  live_configured_at: Date | null;

  @Expose()
  created_at: Date;

  @Expose()
  updated_at: Date;

  constructor(values: Partial<StripeConfigDto>) {
    Object.assign(this, values);
  }
}
