import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { eventually } from '../eventually.js';
import { OWNER } from '../test-app.js';

export type Environment = Record<string, string | undefined>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

interface Request {
  /** Default: a developer's. `null` sends none. */
  token?: string | null;
  /** A string is sent unchanged, everything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** How a process ended: with an exit code, or by a signal. */
export interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A server in a process of its own. */
export class ServerProcess {
  /** Standard output and standard error, in order. */
  output = '';
  errors = '';
  /** Resolves once the process and every process with its output have ended. */
  readonly ended: Promise<End>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #address: Promise<string>;

  constructor(child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#child = child;
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => (this.errors += text));
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    this.#address = new Promise((resolve, reject) => {
      child.stdout.on('data', (text: string) => {
        this.output += text;
        const address = /"msg":"Listening on (http:[^"]+)"/.exec(this.output)?.[1];
        if (address) resolve(address);
      });
      void this.ended.then(() =>
        reject(new Error(`The server ended before it listened:\n${this.output}${this.errors}`)),
      );
    });
    // Avoids an unhandled rejection if nobody waits for the address.
    this.#address.catch(() => undefined);
  }

  /** Resolves with the address once the server listens. */
  listening(): Promise<string> {
    return this.#address;
  }

  async send(
    method: string,
    path: string,
    { token = OWNER, body, headers = {} }: Request = {},
  ): Promise<Answer> {
    const answer = await fetch(`${await this.listening()}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') && text !== '';
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  }

  async createProject(token = OWNER, name = 'Corner shop'): Promise<string> {
    const { status, body, text } = await this.send('POST', '/api/v1/projects/', { token, body: { name } });
    if (status !== 201) throw new Error(`No project: ${status} ${text}`);
    return (body as { id: string }).id;
  }

  /** Waits for a text in the output. @param action causes the text */
  async until(pattern: RegExp, action?: () => Promise<unknown>): Promise<void> {
    await action?.();
    await eventually(async () => {
      if (!pattern.test(this.output))
        throw new Error(`${pattern.source} was not printed:\n${this.output}${this.errors}`);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end. */
  stop(signal: NodeJS.Signals): Promise<End> {
    this.signal(signal);
    return this.ended;
  }
}
