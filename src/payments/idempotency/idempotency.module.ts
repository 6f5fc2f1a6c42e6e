import { Module } from '@nestjs/common';
import { HttpModule } from '../../http/http.module.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import { IdempotencySweeper } from './idempotency-keys.repository.js';
import { IdempotentAnswers } from './idempotent-answers.js';

@Module({
  imports: [HttpModule],
  providers: [IdempotentAnswers, IdempotencyKeysRepository, IdempotencySweeper],
  exports: [IdempotentAnswers],
})
export class IdempotencyModule {}
