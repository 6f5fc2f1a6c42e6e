import { createHmac, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Secret } from '../../../common/secret.js';
import { Keyring } from '../../../vault/keys/keyring.js';
import type { SealContext, SealedText } from '../../../vault/seal/seal.js';
import { sealedColumn } from '../../../vault/seal/sealed-column.js';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
/** Shorter values of headers appear in answers by chance, and so do shorter parts of values, such as `Bearer`. */
const MIN_HIDDEN_LENGTH = 6;
const MIN_HIDDEN_PART_LENGTH = 8;
/** Shorter beginnings, such as `whsec_`, say nothing. */
const MIN_HIDDEN_BEGINNING = 4;
/** JSON in a URL, or in JSON, has two. */
const ENCODINGS = 2;
const HIDDEN = '[hidden]';

export type Headers = Readonly<Record<string, string>>;

interface FormerSecret {
  readonly secret: string;
  readonly until: string;
}

interface Values {
  readonly secret: string;
  /** Secrets before it whose overlap had not ended at the last rotation. */
  readonly former: readonly FormerSecret[];
  readonly headers: Headers;
}

/** The signing secrets and the custom headers of a destination. */
export class DestinationSecrets {
  readonly #values: Values;
  #hiddenForms: readonly string[] | undefined;

  private constructor(values: Values) {
    this.#values = values;
  }

  static make(headers: Headers): DestinationSecrets {
    return new DestinationSecrets({ secret: newSecret(), former: [], headers });
  }

  /** @param json as `sealable` made it */
  static read(json: Secret): DestinationSecrets {
    return new DestinationSecrets(JSON.parse(json.reveal()) as Values);
  }

  get sealable(): Secret {
    return new Secret(JSON.stringify(this.#values));
  }

  /** The current signing secret, to be shown once. */
  get shown(): string {
    return this.#values.secret;
  }

  hasHeaders(headers: Headers): boolean {
    const sorted = (all: Headers) => JSON.stringify(Object.entries(all).sort());
    return sorted(headers) === sorted(this.#values.headers);
  }

  withHeaders(headers: Headers): DestinationSecrets {
    return new DestinationSecrets({ ...this.#values, headers });
  }

  /**
   * @param until the end of the overlap, in which the current secret and those before it sign too; `null` ends
   * them all
   */
  rotated(until: Date | null, now: Date): DestinationSecrets {
    const { secret, former, headers } = this.#values;
    const valid = until ? [...former.filter(isValidAt(now)), { secret, until: until.toISOString() }] : [];
    return new DestinationSecrets({ secret: newSecret(), former: valid, headers });
  }

  /** The ends of the overlaps of former secrets. */
  get formerEnds(): Date[] {
    return this.#values.former.map(({ until }) => new Date(until));
  }

  /**
   * The headers of a request: the custom ones, and those of Standard Webhooks 1.0
   * (https://www.standardwebhooks.com).
   */
  headersFor({ id, body, at }: { id: string; body: string; at: Date }): Headers {
    const timestamp = String(Math.floor(at.getTime() / 1_000));
    const { secret, former, headers } = this.#values;
    const valid = [{ secret }, ...former.filter(isValidAt(at)).toReversed()];
    const signatures = valid.map(({ secret: key }) => `v1,${signature(key, `${id}.${timestamp}.${body}`)}`);
    return {
      ...headers,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
    };
  }

  /** Hides the secrets in an answer: some receivers repeat the headers of a request. */
  hideIn(text: string): string {
    // Most receivers answer without a body.
    if (text === '') return text;
    return this.#hidden.reduce((shown, form) => shown.replaceAll(form, HIDDEN), text);
  }

  /** Hides the secrets in an answer that broke off, also the beginning of one at its end. */
  hideInBeginning(text: string): string {
    // Looked for first: a part of a secret that is hidden before would divide its beginning.
    const lengths = this.#hidden.map((form) => lengthOfBeginning(form, text));
    const longest = Math.max(0, ...lengths);
    return longest === 0 ? this.hideIn(text) : `${this.hideIn(text.slice(0, -longest))}${HIDDEN}`;
  }

  /** What is hidden, the longest first: it may contain a shorter one. Made once for all events of a round. */
  get #hidden(): readonly string[] {
    return (this.#hiddenForms ??= this.#findHidden());
  }

  #findHidden(): string[] {
    const { secret, former, headers } = this.#values;
    const secrets = [secret, ...former.map((each) => each.secret)];
    const values = [...secrets, ...secrets.map(keyPart), ...Object.values(headers)];
    const hidden = [
      ...values.filter(({ length }) => length >= MIN_HIDDEN_LENGTH).flatMap(writtenForms),
      ...values.flatMap(partsOf).filter(({ length }) => length >= MIN_HIDDEN_PART_LENGTH),
    ];
    return [...new Set(hidden)]
      .filter((form) => !HIDDEN.includes(form))
      .sort((one, other) => other.length - one.length);
  }
}

/** The length of the longest beginning of the form, or of all of it, that ends the text. */
function lengthOfBeginning(form: string, text: string): number {
  const end = text.at(-1);
  for (let length = Math.min(form.length, text.length); length >= MIN_HIDDEN_BEGINNING; length -= 1)
    if (form[length - 1] === end && text.endsWith(form.slice(0, length))) return length;
  return 0;
}

/** The value in plain text, in JSON, in URLs and forms, and in one of these inside another. */
function writtenForms(value: string): string[] {
  let forms = [value];
  for (let encoding = 0; encoding < ENCODINGS; encoding += 1)
    forms = [...new Set(forms.flatMap((form) => [form, ...inJson(form), ...inUrls(form)]))];
  return forms;
}

function inJson(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  return [json, json.replaceAll('/', '\\/')];
}

/** In URLs and forms, as common libraries write it. */
function inUrls(value: string): string[] {
  const inUrl = encodeURIComponent(value);
  const inPath = inUrl.replaceAll('%2F', '/');
  const inForm = inUrl.replaceAll('%20', '+');
  const asBrowsersDo = new URLSearchParams([['', value]]).toString().slice(1);
  const encoded = [inUrl, inPath, inForm, asBrowsersDo];
  const inLowerCase = encoded.map((text) =>
    text.replace(/%(?:[A-F].|.[A-F])/g, (code) => code.toLowerCase()),
  );
  return [...encoded, ...inLowerCase];
}

/** The parts of a value that no format escapes: a token without its scheme, a user name, a password. */
function partsOf(value: string): string[] {
  return value.split(/[^\w.~-]+/);
}

const isValidAt =
  (time: Date) =>
  ({ until }: FormerSecret): boolean =>
    new Date(until) > time;

function keyPart(secret: string): string {
  return secret.slice(PREFIX.length);
}

function newSecret(): string {
  return `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;
}

function signature(secret: string, signed: string): string {
  const key = Buffer.from(keyPart(secret), 'base64');
  return createHmac('sha256', key).update(signed).digest('base64');
}

const contextOf = (id: string): SealContext => ({
  purpose: 'event-destination',
  tenant: id,
  field: 'secrets',
});

export const SEALED_DESTINATIONS = sealedColumn({
  table: 'event_destinations',
  primaryKey: ['id'],
  sealed: 'sealed',
  keyId: 'key_id',
  contextOf: ({ id }) => contextOf(id),
});

@Injectable()
export class DestinationSealer {
  constructor(private readonly keyring: Keyring) {}

  /** Runs `write`, which seals and stores. Retries once if the data key was retired meanwhile. */
  withCurrentKey<T>(write: () => Promise<T>): Promise<T> {
    return this.keyring.withCurrentKey(write);
  }

  seal(id: string, secrets: DestinationSecrets): { sealed: SealedText; keyId: string } {
    return this.keyring.seal(contextOf(id), secrets.sealable);
  }

  /** @throws SealBroken */
  async open(id: string, sealed: SealedText): Promise<DestinationSecrets> {
    return DestinationSecrets.read(await this.keyring.unseal(contextOf(id), sealed));
  }
}
