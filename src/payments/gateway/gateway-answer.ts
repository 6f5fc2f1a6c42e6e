import type { IncomingHttpHeaders, OutgoingHttpHeader, ServerResponse } from 'node:http';
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

  throwIfAborted(): void {
    if (this.reason) throw this.reason;
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
  /** Milliseconds in which the client reads no byte of the answer, after which the connection ends. */
  readonly idleMs: number;
  /**
   * Called right before the head is written.
   * @returns names and values of the headers for the client @throws the error that it gets instead of the answer
   */
  readonly accept: (status: number, headers: IncomingHttpHeaders) => OutgoingHttpHeader[];
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
  /** Stripe's, until it is written. */
  #head: { readonly status: number; readonly headers: IncomingHttpHeaders } | undefined;
  /** The first piece, in case it is all: then the answer leaves in one write, with its length. */
  #first: Buffer | undefined;
  #refusal: Error | undefined;
  #isWatched = false;

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
    if (status >= 200) this.#head = { status, headers };
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
    if (!this.#refusal) this.#write(piece);
  }

  onResponseEnd(): void {
    const whole = this.#first;
    this.#first = undefined;
    this.#writeHead(whole?.length);
    if (this.#refusal) return this.failed(this.#refusal);
    // Node writes a text together with the head. Each character of it is one byte.
    if (whole && whole.length <= SMALL_BYTES) this.response.end(whole.toString('latin1'), 'latin1');
    else this.response.end(whole);
    if (this.response.writableLength > 0) this.#watchClient();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // Without a piece of the body nothing is written yet, so that the client gets the error.
    this.#head = this.#first = undefined;
    this.failed(this.#refusal ?? error);
    if (this.response.headersSent) this.response.destroy();
  }

  /** @param length of the body, if all of it is here */
  #writeHead(length?: number): void {
    if (!this.#head) return;
    const { status, headers } = this.#head;
    this.#head = undefined;
    try {
      const accepted = this.options.accept(status, headers);
      if (length !== undefined && headers['content-length'] === undefined)
        accepted.push('content-length', length);
      this.response.writeHead(status, accepted);
      this.started();
    } catch (error) {
      this.#refusal = error as Error;
    }
  }

  #writeFirst(): void {
    const first = this.#first;
    if (!first) return;
    this.#first = undefined;
    this.#writeHead();
    if (!this.#refusal) this.#write(first);
  }

  #write(piece: Buffer): void {
    if (this.response.write(piece)) return;
    this.#watchClient();
    this.#controller?.pause();
    this.response.once('drain', () => this.#controller?.resume());
  }

  /** Node's timer of the socket starts again with each byte that the client takes. */
  #watchClient(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.response.setTimeout(this.options.idleMs, () => {
      // Otherwise Stripe is waited for, which has a limit of its own.
      if (this.response.writableLength > 0) this.response.destroy();
    });
  }
}
