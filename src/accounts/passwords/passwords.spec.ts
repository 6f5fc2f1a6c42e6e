import * as argon2 from 'argon2';
import { Secret } from '../../common/secret.js';
import { Passwords } from './passwords.js';

jest.mock('argon2', () => {
  const actual: object = jest.requireActual('argon2');
  return { ...actual, verify: jest.fn('verify' in actual ? (actual.verify as () => unknown) : undefined) };
});

describe('Passwords', () => {
  const passwords = new Passwords();
  const password = new Secret('correct horse');

  it('matches the hashed password, and no other', async () => {
    const stored = await passwords.hash(password);
    expect(await passwords.matches(stored, password)).toBe(true);
    expect(await passwords.matches(stored, new Secret('correct horsf'))).toBe(false);
    expect(await passwords.hash(password)).not.toBe(stored);
    expect(passwords.isOutdated(stored)).toBe(false);
    expect(passwords.isOutdated(stored.replace('m=19456', 'm=9728'))).toBe(true);
  });

  it('matches nothing for an unknown account, after one verification like for a known account', async () => {
    const verify = jest.mocked(argon2.verify).mockClear();
    expect(await passwords.matches(undefined, password)).toBe(false);
    verify.mockResolvedValueOnce(true);
    expect(await passwords.matches(undefined, password)).toBe(false);
    const hashes = verify.mock.calls.map(([hash]) => hash);
    expect(hashes).toHaveLength(2);
    for (const hash of hashes) expect(passwords.isOutdated(hash)).toBe(false);
  });
});
