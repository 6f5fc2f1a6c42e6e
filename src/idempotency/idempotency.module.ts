import { Module } from '@nestjs/common';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import { IdempotencySweeper } from './idempotency-sweeper.js';
import { IdempotentAnswers } from './idempotent-answers.js';

@Module({
  providers: [IdempotentAnswers, IdempotencyKeysRepository, IdempotencySweeper],
  exports: [IdempotentAnswers],
})
export class IdempotencyModule {}
