import { A_MODULE, moduleActor, personActor } from './actor.js';

const KEY = `sk_live_${'a'.repeat(24)}`;

function actor(userAgent?: string, ip = '192.0.2.7') {
  return personActor('developer-1', { id: 'request-1', ip, headers: { 'user-agent': userAgent } });
}

describe('personActor', () => {
  it('has the subject and the origin of the request', () => {
    expect(actor('curl/8.5.0')).toEqual({
      kind: 'person',
      subject: 'developer-1',
      ip: '192.0.2.7',
      userAgent: 'curl/8.5.0',
      requestId: 'request-1',
    });
    expect(actor().userAgent).toBeNull();
  });

  it.each([
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.6099.109 Safari/537.36',
    'Google-HTTP-Java-Client/1.43.3 (gzip)',
    'python-requests/2.31.0',
  ])('keeps user agents: %s', (text) => {
    expect(actor(text).userAgent).toBe(text);
  });

  it.each([
    [KEY, '[hidden]'],
    [`curl/8.5.0 (${KEY}; x)`, 'curl/8.5.0 ([hidden]; x)'],
    ['whsec_ab+cd/ef==', '[hidden]'],
    ['rk_test_abc', '[hidden]'],
    [Buffer.from(KEY).toString('base64'), '[hidden]'],
    [Buffer.from(KEY).toString('hex'), '[hidden]'],
    [`eyJ${'a'.repeat(40)}.eyJ${'b'.repeat(40)}.${'c'.repeat(43)}`, '[hidden]'],
    [`curl (eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.${'c'.repeat(43)})`, 'curl ([hidden])'],
  ])('hides possible keys and tokens in a user agent: %s', (text, shown) => {
    expect(actor(text).userAgent).toBe(shown);
  });

  it('limits a user agent to 200 printable characters', () => {
    expect(actor('a '.repeat(5_000)).userAgent).toHaveLength(200);
    expect(actor('a\r\n\u001b[31mb\u0000\u202ec\u00e9').userAgent).toBe('a???[31mb??c?');
  });

  it('keeps only a valid address', () => {
    expect(actor('', '2001:db8::1').ip).toBe('2001:db8::1');
    expect(actor('', '::ffff:192.0.2.1').ip).toBe('192.0.2.1');
    for (const ip of ['', 'unknown', '1.2.3', KEY]) expect(actor('', ip).ip).toBeNull();
  });
});

it('a module has a name and no address', () => {
  expect(moduleActor('billing')).toEqual({
    kind: 'module',
    subject: 'billing',
    ip: null,
    userAgent: null,
    requestId: null,
  });
  expect(A_MODULE.kind).toBe('module');
});
