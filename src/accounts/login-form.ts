import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { DomainError, type Problem, ValidationFailed } from '../common/errors.js';
import { LOGIN_URL } from '../http/openapi/docs.js';
import { addUnreadBodyParser } from '../http/bodies/request-bodies.js';
import { emailProblem } from '../http/validation/email.js';
import { passwordProblem } from './account-rules.js';

const FORM = 'application/x-www-form-urlencoded';
/** Fits an address and a password with every byte percent-encoded. */
const MAX_BYTES = 16 * 1024;
const FIELDS = ['grant_type', 'username', 'password'];

/** Accepts OAuth 2 password forms (RFC 6749, section 4.3.2) at the login; other routes answer 415. */
export function readLoginForms(fastify: FastifyInstance): void {
  addUnreadBodyParser(fastify, FORM, ({ routeOptions }) => {
    if (routeOptions.url !== LOGIN_URL)
      throw new DomainError('unsupported_media_type', 'The body must be JSON, sent as application/json.');
    return { limit: MAX_BYTES, parse: (bytes) => toLogin(parse(bytes)) };
  });
}

/** Converts a form to the JSON login body. Ignores other OAuth 2 fields, such as scope and client. */
function toLogin(form: Map<string, string>): { email?: string; password?: string } {
  const [email, password] = [form.get('username'), form.get('password')];
  const isForPassword = (form.get('grant_type') ?? 'password') === 'password';
  const problems: Record<string, Omit<Problem, 'loc'> | undefined> = {
    grant_type: isForPassword ? undefined : { msg: 'must be password', type: 'value_error' },
    // Reports the form's field name, which differs in JSON.
    username: emailProblem(email),
    password: passwordProblem(password),
  };
  const wrong = Object.entries(problems).flatMap(([field, problem]): Problem[] =>
    problem ? [{ loc: ['body', field], ...problem }] : [],
  );
  if (wrong.length > 0) throw new ValidationFailed(wrong);
  return { email, password };
}

function parse(bytes: Buffer): Map<string, string> {
  const form = new Map<string, string>();
  for (const pair of bytes.toString('latin1').split('&')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s).map(decode);
    if (form.has(name) && FIELDS.includes(name))
      throw new ValidationFailed([
        { loc: ['body', name], msg: 'must be sent only once', type: 'value_error' },
      ]);
    form.set(name, value);
  }
  return form;
}

/** Rejects invalid UTF-8: URLSearchParams would decode different passwords as equal (U+FFFD). */
function decode(text: string): string {
  const percents = text
    .replaceAll('+', ' ')
    .replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  const bytes = Buffer.from(percents, 'latin1');
  if (!isUtf8(bytes))
    throw new ValidationFailed([{ loc: ['body'], msg: 'is not a form in UTF-8', type: 'value_error' }]);
  return bytes.toString();
}
