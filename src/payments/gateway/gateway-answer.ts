import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';

type Reason = Error | undefined;

const SMALL_BYTES = 16 * 1024;

/** Ends the call to Stripe. An `AbortSignal` would cost more than the rest of a call. */
export class Abort {
  reason: Reason;
  readonly #listeners: ((reason: Error) => void)[] = [];

  abort(reason: Error): void {
    if (this.reason) return;
    this.reason = reason;
    for (const listener of this.#listeners) listener(reason);
  }

  /** Calls the listener at once if the call has ended. */
  listen(listener: (reason: Error) => void): void {
    if (this.reason) listener(this.reason);
    else this.#listeners.push(listener);
  }
}

interface Options {
  /** Ends the call; also while it waits for a connection. */
  readonly abort: Abort;
  /** @returns the headers for the client @throws the error that it gets instead of the answer */
  readonly accept: (status: number, headers: IncomingHttpHeaders) => OutgoingHttpHeaders;
}

/**
 * Sends a request to Stripe, and writes the answer as it arrives.
 * @returns when the first piece is written; what goes wrong later ends the connection to the client
 * @throws what goes wrong before
 */
export function pass(
  stripe: Dispatcher,
  request: Dispatcher.DispatchOptions,
  response: ServerResponse,
  options: Options,
): Promise<void> {
  return new Promise((resolve, reject) => {
    stripe.dispatch(request, new AnswerWriter(response, options, resolve, reject));
  });
}

/** Writes to the client by hand: streams of Node between both would cost half of a call. */
class AnswerWriter implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined;
  /** Until it is written. */
  #head: { readonly status: number; readonly headers: OutgoingHttpHeaders } | undefined;
  /** The first piece, in case it is all: then the answer leaves in one write, with its length. */
  #first: Buffer | undefined;
  #refusal: Error | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly options: Options,
    private readonly started: () => void,
    private readonly failed: (error: Error) => void,
  ) {}

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.options.abort.listen((reason) => controller.abort(reason));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // Informational, and followed by another one.
    if (status < 200) return;
    try {
      this.#head = { status, headers: this.options.accept(status, headers) };
    } catch (error) {
      this.#refusal = error as Error;
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#refusal) return;
    if (this.#head && !this.#first) {
      this.#first = piece;
      // What arrived together with it is read before this runs.
      process.nextTick(() => this.#writeFirst());
      return;
    }
    this.#writeFirst();
    this.#write(piece);
  }

  onResponseEnd(): void {
    if (this.#refusal) return this.failed(this.#refusal);
    const whole = this.#first;
    this.#first = undefined;
    if (this.#head && whole) this.#head.headers['content-length'] ??= whole.length;
    this.#writeHead();
    // Node writes a text together with the head. Each character of it is one byte.
    if (whole && whole.length <= SMALL_BYTES) this.response.end(whole.toString('latin1'), 'latin1');
    else this.response.end(whole);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.failed(error);
    if (this.response.headersSent) this.response.destroy();
  }

  #writeHead(): void {
    if (!this.#head) return;
    this.started();
    this.response.writeHead(this.#head.status, this.#head.headers);
    this.#head = undefined;
  }

  #writeFirst(): void {
    if (!this.#first) return;
    this.#writeHead();
    this.#write(this.#first);
    this.#first = undefined;
  }

  #write(piece: Buffer): void {
    if (this.response.write(piece)) return;
    this.#controller?.pause();
    this.response.once('drain', () => this.#controller?.resume());
  }
}
