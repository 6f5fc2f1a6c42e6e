import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: string[];
  /** Headers and text, decoded. */
  readonly content: string;
}

/** A real SMTP server on the loopback address, which asks for a user and a password. */
export class TestSmtpServer {
  readonly mails: ReceivedMail[] = [];
  /** Refuses every mail, with the address in its message. */
  isFull = false;
  readonly #server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    logger: false,
    onAuth: ({ username, password }, _session, callback) =>
      username === 'till' && password === 'p@ss/word'
        ? callback(null, { user: username })
        : callback(new Error('Wrong password.')),
    onRcptTo: ({ address }, _session, callback) =>
      callback(this.isFull ? new Error(`The mailbox of ${address} is full.`) : null),
    onData: (stream, { envelope }, callback) => {
      void text(stream).then((raw) => {
        this.mails.push({
          from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
          to: envelope.rcptTo.map(({ address }) => address),
          content: decoded(raw),
        });
        callback();
      });
    },
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => resolve());
    });
    const { port } = this.#server.server.address() as AddressInfo;
    return `smtp://till:p%40ss%2Fword@127.0.0.1:${port}`;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

/** Undoes quoted-printable (RFC 2045, section 6.7). */
function decoded(raw: string): string {
  if (!/^content-transfer-encoding: quoted-printable/im.test(raw)) return raw;
  return raw
    .replace(/=\r\n/g, '')
    .replace(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
