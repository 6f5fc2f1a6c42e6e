import { returnUrlProblem, returnUrlProblemInMode } from './return-url.js';

describe('returnUrlProblem', () => {
  it.each([
    'https://shop.example.com',
    'https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}&x=1#done',
    'https://shop.example.com/{CHECKOUT_SESSION_ID}',
    'HTTPS://SHOP.example.com:8443/a@b?c=d@e',
    'https://[2001:db8::1]/x',
    'https://münchen.example/größe',
    'http://localhost:5173/thanks',
    'http://127.0.0.1/x',
    'http://127.8.9.1/x',
    'http://[::1]:3000/#/done',
  ])('accepts %s', (url) => {
    expect(returnUrlProblem(url)).toBeUndefined();
  });

  it.each([
    ['http://shop.example.com/', /^must start with https:/],
    ['http://localhost.example.com/', /^must start with https:/],
    ['http://127.0.0.1.example.com/', /^must start with https:/],
    ['http://10.0.0.1/', /^must start with https:/],
    ['http://0.0.0.0/', /^must start with https:/],
    ['https://user:pass@shop.example.com/', /user name/],
    ['https://user@shop.example.com/', /user name/],
    ['https://@shop.example.com/', /user name/],
    ['http://localhost:1@evil.example.com/', /user name/],
    ['javascript:alert(1)', /absolute https URL/],
    ['javascript://shop.example.com/%0Aalert(1)', /absolute https URL/],
    ['data:text/html,x', /absolute https URL/],
    ['file:///etc/passwd', /absolute https URL/],
    ['ftp://shop.example.com/', /absolute https URL/],
    ['/thanks', /absolute https URL/],
    ['//shop.example.com/', /absolute https URL/],
    ['shop.example.com', /absolute https URL/],
    ['https:shop.example.com', /absolute https URL/],
    ['https:///shop.example.com', /absolute https URL/],
    ['https://?x', /absolute https URL/],
    ['https:\\\\shop.example.com', /absolute https URL/],
    ['https://good.example\\@evil.example', /absolute https URL/],
    [' https://shop.example.com', /absolute https URL/],
    ['https://shop.example.com/a b', /absolute https URL/],
    ['https://shop.exa\tmple.com/', /absolute https URL/],
    ['https://shop.example.com/\n', /absolute https URL/],
    ['https://shop.example.com/\0', /absolute https URL/],
    ['https://shop.example.com/\ud800', /absolute https URL/],
    ['https://{CHECKOUT_SESSION_ID}.example.com/', /absolute https URL/],
    ['https://shop.example.com:99999/', /absolute https URL/],
    ['https://%zz/', /absolute https URL/],
  ])('refuses %j', (url, msg) => {
    expect(returnUrlProblem(url)).toEqual({ type: 'value_error', msg: expect.stringMatching(msg) as string });
  });

  it.each([
    [undefined, 'missing'],
    [null, 'string_type'],
    [1, 'string_type'],
    [['https://shop.example.com'], 'string_type'],
    ['', 'string_too_short'],
    [`https://shop.example.com/${'a'.repeat(5_000)}`, 'string_too_long'],
  ])('refuses %j', (value, type) => {
    expect(returnUrlProblem(value)).toMatchObject({ type });
  });

  it('accepts http on loopback in test mode only', () => {
    expect(returnUrlProblemInMode('http://localhost/', 'test')).toBeUndefined();
    expect(returnUrlProblemInMode('HTTP://localhost/', 'live')).toMatchObject({ type: 'value_error' });
    expect(returnUrlProblemInMode('HTTPS://shop.example.com/', 'live')).toBeUndefined();
  });
});
