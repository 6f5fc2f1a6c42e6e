import { Global, Module } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { RequestPipe } from './validation/request.pipe.js';
import { UnknownQueryInterceptor } from './validation/unknown-query.js';

/** Provides the global pipe, which interceptors that read a body share, and the check of query parameters. */
@Global()
@Module({
  providers: [RequestPipe, { provide: APP_PIPE, useExisting: RequestPipe }, UnknownQueryInterceptor],
  exports: [RequestPipe, UnknownQueryInterceptor],
})
export class HttpModule {}
