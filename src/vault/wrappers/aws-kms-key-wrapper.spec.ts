import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { KmsServer } from '../../../test/harness/servers/kms-server.js';
import { LoopbackService } from '../../../test/harness/servers/loopback-service.js';
import { AwsKmsKeyWrapper } from './aws-kms-key-wrapper.js';
import { KeyProviderUnavailable } from './key-wrapper.js';
import { WrongMasterKey } from './key-wrapper.js';

const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-4333-8444-555555555555';
const OTHER = 'alias/other';
const dataKey = randomBytes(32);
const before = { ...process.env };
let kms: KmsServer;

beforeEach(async () => {
  kms = await KmsServer.start(KEY, OTHER);
  Object.assign(process.env, kms.environment);
});
afterEach(async () => {
  await kms.service.stop();
  for (const name of Object.keys(kms.environment)) delete process.env[name];
  Object.assign(process.env, before);
});

const wrapper = (key = KEY) => new AwsKmsKeyWrapper(key);

async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!(error instanceof KeyProviderUnavailable))
    throw new Error(`It did not fail for its provider: ${inspect(error)}`);
  return error.reason;
}

it('unwraps what it wrapped, and sends KMS the id of the data key', async () => {
  const wrapped = await wrapper().wrap(dataKey, 'examplekey01');
  expect(wrapped).toMatch(/^awskms1\.[\w-]+$/);
  expect(await wrapper().unwrap(wrapped, 'examplekey01')).toEqual(dataKey);
  expect(
    kms.service.requests.map(({ headers, body }) => [
      headers['x-amz-target'],
      body['KeyId'],
      body['EncryptionContext'],
    ]),
  ).toEqual([
    ['TrentService.Encrypt', KEY, { 'tillkeeper:data-key': 'examplekey01' }],
    ['TrentService.Decrypt', KEY, { 'tillkeeper:data-key': 'examplekey01' }],
  ]);
});

it('has the key’s name as its id, without account and region', () => {
  expect(wrapper().masterKeyId).toBe('aws-kms:11111111-2222-4333-8444-555555555555');
  expect(wrapper(OTHER).masterKeyId).toBe('aws-kms:alias/other');
  expect(wrapper('arn:aws:kms:eu-central-1:111122223333:alias/other').masterKeyId).toBe(
    'aws-kms:alias/other',
  );
});

it('refuses wrapped keys of another data key or master key, and altered ones', async () => {
  const wrapped = await wrapper().wrap(dataKey, 'examplekey01');
  await expect(wrapper().unwrap(wrapped, 'examplekey02')).rejects.toThrow(WrongMasterKey);
  await expect(wrapper(OTHER).unwrap(wrapped, 'examplekey01')).rejects.toThrow(WrongMasterKey);
  await expect(wrapper().unwrap(wrapped.replace('awskms1.', 'awskms2.'), 'examplekey01')).rejects.toThrow(
    WrongMasterKey,
  );
  await expect(wrapper().unwrap(`${wrapped.slice(0, -4)}AAAA`, 'examplekey01')).rejects.toThrow(
    WrongMasterKey,
  );
});

it("calls the region of the key's ARN, or else the configured region", async () => {
  process.env['AWS_REGION'] = 'us-east-1';
  const elsewhere = 'arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/other';
  for (const key of [KEY, OTHER, elsewhere])
    await wrapper(key)
      .wrap(dataKey, 'examplekey01')
      .catch(() => undefined);
  const regions = kms.service.requests.map(({ headers }) => headers.authorization?.split('/')[2]);
  expect(regions).toEqual(['eu-central-1', 'us-east-1', 'us-gov-west-1']);
});

it("names a data key of another master key, and doesn't call KMS for an empty text", async () => {
  const sentence = `Master key ${wrapper().masterKeyId} can't unwrap data key examplekey01`;
  await expect(wrapper().unwrap('awskms1.', 'examplekey01')).rejects.toThrow(sentence);
  expect(kms.service.requests).toEqual([]);
  kms.refuse('IncorrectKeyException');
  await expect(wrapper().unwrap('awskms1.AAAA', 'examplekey01')).rejects.toThrow(WrongMasterKey);
});

describe('reports', () => {
  it.each([
    ['AccessDeniedException', 400, /kms:Encrypt and kms:Decrypt/],
    ['UnrecognizedClientException', 400, /refuses the credentials/],
    ['NotFoundException', 400, /no key of this AWS_KMS_KEY_ID/],
    ['DisabledException', 400, /is disabled/],
    ['KMSInvalidStateException', 400, /is disabled/],
    ['KMSInternalException', 500, /does not answer \(KMSInternalException\)/],
  ])('%s', async (type, status, reason) => {
    const wrapped = await wrapper().wrap(dataKey, 'examplekey01');
    kms.refuse(type, status);
    const told = await reasonOf(wrapper().unwrap(wrapped, 'examplekey01'));
    expect(told).toMatch(reason);
    expect(told).not.toMatch(/AKIA|was refused/);
  });

  it('an unreachable KMS, after two attempts', async () => {
    await kms.service.stop();
    // In Jest's realm the SDK hides Node's error.
    expect(await reasonOf(wrapper().wrap(dataKey, 'examplekey01'))).toMatch(
      /^AWS KMS does not answer( \(ECONNREFUSED\))?: can this machine reach it, and is it the right region\?$/,
    );
  });

  it('no name that is not an error of AWS', async () => {
    for (const name of ['made up', 'A'.repeat(65), 'A-1']) {
      kms.refuse(name);
      expect(await reasonOf(wrapper().wrap(dataKey, 'examplekey01'))).toMatch(/^AWS KMS does not answer: /);
    }
  });

  it('another server', async () => {
    kms.failure = { status: 200, body: {} };
    const told = 'What answers is not AWS KMS.';
    expect(await reasonOf(wrapper().wrap(dataKey, 'examplekey01'))).toMatch(told);
    expect(await reasonOf(wrapper().unwrap('awskms1.AAAA', 'examplekey01'))).toBe(told);
  });

  it('a missing answer', async () => {
    const silent = new LoopbackService(() => undefined);
    await silent.start();
    process.env['AWS_ENDPOINT_URL_KMS'] = silent.url;
    const after = AbortSignal.timeout.bind(AbortSignal);
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => after(50));
    try {
      expect(await reasonOf(wrapper().wrap(dataKey, 'examplekey01'))).toMatch(
        /^AWS KMS does not answer within 8 seconds/,
      );
      expect(timeout).toHaveBeenCalledWith(8_000);
    } finally {
      timeout.mockRestore();
      await silent.stop();
    }
  });

  it('a missing region', async () => {
    process.env['AWS_CONFIG_FILE'] = '/dev/null';
    delete process.env['AWS_REGION'];
    const missing = 'AWS_REGION must be set, or AWS_KMS_KEY_ID be an ARN.';
    expect(await reasonOf(wrapper(OTHER).wrap(dataKey, 'examplekey01'))).toBe(missing);
    process.env['AWS_REGION'] = 'no region';
    expect(await reasonOf(wrapper(OTHER).wrap(dataKey, 'examplekey01'))).toBe(missing);
    delete process.env['AWS_CONFIG_FILE'];
  });
});
