import { createHash } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { OPERATOR_SCOPE, TOKEN_SECRET } from './servers.mjs';

export const OWNER = 'bench-developer';

/** Invented values in Stripe's form and length. */
const CREDENTIALS = {
  test_secret_key: `sk_test_51${'A'.repeat(97)}`,
  test_publishable_key: `pk_test_51${'A'.repeat(97)}`,
  test_webhook_secret: `whsec_${'B'.repeat(32)}`,
  live_secret_key: `sk_live_51${'A'.repeat(97)}`,
  live_publishable_key: `pk_live_51${'A'.repeat(97)}`,
  live_webhook_secret: `whsec_${'C'.repeat(32)}`,
};

const BODY = JSON.stringify(CREDENTIALS);

export function ownerToken(owner = OWNER) {
  return jwt.sign({ type: 'access' }, TOKEN_SECRET, { subject: owner, expiresIn: '1h' });
}

export function operatorToken() {
  return jwt.sign({ type: 'access', scope: OPERATOR_SCOPE }, TOKEN_SECRET, {
    subject: 'bench-operator',
    expiresIn: '1h',
  });
}

/**
 * Id of the project with a number, distributed like random ids. `PROJECT_ID_SQL` is the same function in SQL.
 */
export function projectId(number) {
  const digits = createHash('md5').update(String(number)).digest('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`;
}

export const PROJECT_ID_SQL =
  "overlay(overlay(md5(number::text) placing '8' from 13 for 1) placing 'a' from 17 for 1)::uuid";

/** @param {'GET' | 'PUT'} method */
export function configRequest(method, id, token = ownerToken()) {
  return {
    method,
    path: `/api/v1/payments/stripe/projects/${id}/config`,
    headers: {
      authorization: `Bearer ${token}`,
      ...(method === 'PUT' && { 'content-type': 'application/json' }),
    },
    ...(method === 'PUT' && { body: BODY }),
  };
}

/**
 * Checks a server before it is measured: unauthorized requests are refused, and masks match the stored keys.
 */
export async function checkAnswers({ name, url }, id, foreignId) {
  const send = async (method, project, changes = {}) => {
    const { path, ...request } = configRequest(method, project);
    const response = await fetch(url + path, { ...request, ...changes });
    return { response, answer: await response.json() };
  };
  const expectStatus = async (expected, sent) => {
    const { response, answer } = await sent;
    if (response.status !== expected)
      throw new Error(`"${name}" answered ${response.status}, not ${expected}: ${JSON.stringify(answer)}`);
    for (const header of ['x-request-id', 'cache-control']) {
      if (!response.headers.has(header)) throw new Error(`"${name}" sent no ${header}.`);
    }
    return answer;
  };
  const wrongBody = JSON.stringify({ ...CREDENTIALS, live_secret_key: CREDENTIALS.test_secret_key });
  await expectStatus(401, send('GET', id, { headers: {} }));
  await expectStatus(401, send('GET', id, { headers: { authorization: `Bearer ${ownerToken()}x` } }));
  await expectStatus(404, send('GET', projectId('none')));
  await expectStatus(403, send('PUT', foreignId));
  await expectStatus(name === 'usual' ? 400 : 422, send('PUT', id, { body: wrongBody }));
  const saved = await expectStatus(200, send('PUT', id));
  const found = await expectStatus(200, send('GET', id));
  for (const answer of [saved, found]) {
    for (const [field, value] of Object.entries(CREDENTIALS)) {
      const mask = `${value.slice(0, value.indexOf('_', 3) + 1)}...${value.slice(-4)}`;
      if (answer[`${field}_masked`] !== mask)
        throw new Error(`"${name}" masked ${field} as ${answer[`${field}_masked`]}.`);
    }
    if (
      !answer.is_active ||
      !answer.has_test_credentials ||
      !answer.has_live_credentials ||
      answer.project_id !== id
    )
      throw new Error(`"${name}" answered wrongly: ${JSON.stringify(answer)}`);
    if (name !== 'usual' && answer.warnings?.length !== 0)
      throw new Error(`"${name}" did not look for what seems wrong.`);
    for (const field of ['test_configured_at', 'live_configured_at', 'created_at', 'updated_at']) {
      if (Number.isNaN(Date.parse(answer[field]))) throw new Error(`"${name}" has no time in ${field}.`);
    }
  }
}
