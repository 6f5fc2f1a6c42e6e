import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isLoopbackHost } from '../../config/rules.js';
import { failed, type Finding, type Installation, ok, skipped, warning } from './installation.js';

const STRIPE = 'https://api.stripe.com';
const ANSWER_MS = 5_000;

/** Allows for whole seconds in `Date`. A webhook's signature fails if clocks differ by 300 seconds. */
const STRIPE_CLOCK_WARN_MS = 5_000;
const STRIPE_CLOCK_FAIL_MS = 300_000;

const MIB = 1024 * 1024;
const LITTLE_SPACE = 1024 * MIB;
const NO_SPACE = 100 * MIB;

export async function checkConfiguration({ problems, env }: Installation): Promise<Finding> {
  if (problems.length === 0) return ok(`All settings are valid for NODE_ENV=${env.nodeEnv}.`);
  return failed(problems.join(' '));
}

/** Sends a request without a key. Only Stripe refuses it in Stripe's format. */
export async function checkStripe({ env, signal }: Installation): Promise<Finding> {
  const base = env.optional('STRIPE_API_BASE') ?? STRIPE;
  const answer = await get(`${base}/v1/account`, signal);
  if (typeof answer === 'string')
    return failed(
      `${base} can not be reached (${answer}): let this machine connect to it, and look at DNS, firewall and TLS.`,
    );
  const { status, body, date } = answer;
  if (!isObject(body) || !isObject(body.error) || typeof body.error.type !== 'string')
    return failed(
      `What answers at ${base} is not Stripe (${status}): look for a proxy or portal in between.`,
    );
  if (status !== 401)
    return warning(`Stripe answers at ${base}, but with ${status}: see https://status.stripe.com.`);
  const difference = Math.abs(date - Date.now());
  if (!(difference > STRIPE_CLOCK_WARN_MS)) return ok(`Stripe answers at ${base}.`);
  const advice = `The clocks of this machine and of Stripe differ by ${Math.round(difference / 1_000)} s: synchronize this machine's, such as by NTP.`;
  return difference > STRIPE_CLOCK_FAIL_MS ? failed(advice) : warning(advice);
}

export async function checkPublicUrl({ env, signal }: Installation): Promise<Finding> {
  const base = env.optional('PUBLIC_BASE_URL');
  if (base === undefined) return skipped('PUBLIC_BASE_URL is missing or wrong.');
  const { protocol, hostname } = new URL(base);
  if (env.nodeEnv === 'production') {
    if (protocol !== 'https:')
      return failed(
        'PUBLIC_BASE_URL must begin with https:// in production: Stripe sends live events nowhere else.',
      );
    if (isLoopbackHost(hostname.replace(/^\[|]$/g, '')))
      return failed('PUBLIC_BASE_URL is an address of this machine: Stripe can not reach it.');
  }
  const answer = await get(`${base}/health/live`, signal);
  if (typeof answer === 'string')
    return warning(
      `${base} does not answer from here (${answer}): does a server run, and the proxy before it?`,
    );
  const isOurs = answer.status === 200 && isObject(answer.body) && answer.body.status === 'ok';
  if (!isOurs)
    return warning(
      `${base}/health/live does not lead to Tillkeeper (${answer.status}): look at the proxy, and at the path.`,
    );
  return ok(`A server answers at ${base}.`);
}

/** Checks the disk of the data folder. PostgreSQL's disk can't be seen from here. */
export async function checkDisk({ env }: Installation): Promise<Finding> {
  const file = env.optional('DATABASE_URL')?.file;
  const [folder, variable] =
    file === undefined ? [env.required('DATA_DIR'), 'DATA_DIR'] : [dirname(file), 'DATABASE_URL'];
  const isThere = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere)
    return file === undefined
      ? skipped('DATA_DIR is not there, and not needed.')
      : failed('The folder of DATABASE_URL is missing.');
  const isWritable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable)
    return failed(`This user may not write to the folder of ${variable}: change its owner or its mode.`);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const size =
    file === undefined
      ? 0
      : await stat(file).then(
          (found) => found.size,
          () => 0,
        );
  const message = `The folder of ${variable} has ${Math.floor(free / MIB)} MiB left`;
  if (free < NO_SPACE) return failed(`${message}: make room.`);
  if (free < Math.max(LITTLE_SPACE, size)) return warning(`${message}, which is little: make room.`);
  return ok(`${message}.`);
}

interface Answer {
  readonly status: number;
  /** `undefined` if the body is not JSON. */
  readonly body: unknown;
  /** Milliseconds since the epoch, or NaN. */
  readonly date: number;
}

/** @returns the answer, redirects included, or the code of the network error */
async function get(url: string, signal: AbortSignal): Promise<Answer | string> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    const body: unknown = await response.json().catch(() => undefined);
    return { status: response.status, body, date: Date.parse(response.headers.get('date') ?? '') };
  } catch (error) {
    return codeOf(error);
  }
}

/** Reads the code from the cause of a fetch error, or from the error of the first address. */
function codeOf(error: unknown): string {
  if (!isObject(error)) return 'unknown';
  if (Array.isArray(error.errors)) return codeOf(error.errors[0]);
  if (error.cause !== undefined) return codeOf(error.cause);
  return typeof error.code === 'string' ? error.code : String(error.name);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
