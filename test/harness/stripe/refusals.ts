export type StripeMode = 'test' | 'live';

interface ErrorBody {
  readonly type: 'invalid_request_error' | 'idempotency_error' | 'api_error' | 'card_error';
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  readonly doc_url?: string;
}

/** An answer of Stripe other than 200, with the body that Stripe gives it. */
export class Refusal extends Error {
  readonly error: ErrorBody;

  constructor(
    readonly status: number,
    message: string,
    { type = 'invalid_request_error', code, param }: Partial<ErrorBody> = {},
  ) {
    super(message);
    const documented = code && {
      code,
      doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`,
    };
    this.error = { ...documented, message, ...(param && { param }), type };
  }
}

/** Stripe shows four characters of a key that it doesn't know, six of one that it knows. */
function maskKey(key: string, shown: 4 | 6): string {
  const prefix = /^[a-z]+_(?:test_|live_)?/.exec(key)?.[0] ?? '';
  const rest = key.slice(prefix.length);
  return prefix + '*'.repeat(Math.max(rest.length - shown, 0)) + rest.slice(-shown);
}

export const noKey = () =>
  new Refusal(
    401,
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
  );

export const invalidKey = (key: string) => new Refusal(401, `Invalid API Key provided: ${maskKey(key, 4)}`);

export const expiredKey = (key: string) =>
  new Refusal(401, `Expired API Key provided: ${maskKey(key, 6)}`, { code: 'api_key_expired' });

export const publishableKey = () =>
  new Refusal(
    403,
    'This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.',
    { code: 'secret_key_required' },
  );

export const permissionMissing = (key: string, account: string, permission: string) =>
  new Refusal(
    403,
    `The provided key '${maskKey(key, 6)}' does not have the required permissions for this endpoint on account '${account}'. Having the '${permission}' permission would allow this request to continue.`,
  );

export const noAccess = (key: string, account: string) =>
  new Refusal(
    403,
    `The provided key '${maskKey(key, 6)}' does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`,
    { code: 'account_invalid' },
  );

export const unknownUrl = (method: string, path: string) =>
  new Refusal(
    404,
    `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
  );

/** @param elsewhere the mode that has such an object */
export function missing(what: string, id: string, param: string, elsewhere?: StripeMode): Refusal {
  const used = elsewhere === 'live' ? 'test' : 'live';
  const hint = elsewhere
    ? `; a similar object exists in ${elsewhere} mode, but a ${used} mode key was used to make this request.`
    : '';
  return new Refusal(404, `No such ${what}: '${id}'${hint}`, { code: 'resource_missing', param });
}

export const badRequest = (message: string, param?: string, code?: string) =>
  new Refusal(400, message, { param, code });

export const otherParameters = (key: string) =>
  new Refusal(
    400,
    `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
    { type: 'idempotency_error' },
  );

export const otherEndpoint = (key: string, now: string, first: string) =>
  new Refusal(
    400,
    `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${now}' vs '${first}'). Try using a key other than '${key}' if you meant to execute a different request.`,
    { type: 'idempotency_error' },
  );

export const inProgress = (key: string) =>
  new Refusal(
    409,
    `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
    { type: 'idempotency_error', code: 'idempotency_key_in_use' },
  );
