import { Global, Module } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { RequestPipe } from './request.pipe.js';

/** The one pipe through which requests are read. Interceptors that read a body use it too. */
@Global()
@Module({
  providers: [RequestPipe, { provide: APP_PIPE, useExisting: RequestPipe }],
  exports: [RequestPipe],
})
export class HttpModule {}
