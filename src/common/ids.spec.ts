import { parseProjectId } from './ids.js';

const ID = '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11';

describe('parseProjectId', () => {
  it('reads a UUID of any version, in lower case', () => {
    expect(parseProjectId(ID)).toBe(ID);
    expect(parseProjectId(ID.toUpperCase())).toBe(ID);
    expect(parseProjectId('00000000-0000-0000-0000-000000000000')).toBe(
      '00000000-0000-0000-0000-000000000000',
    );
  });

  it.each([
    '',
    ID.replaceAll('-', ''),
    `{${ID}}`,
    `urn:uuid:${ID}`,
    ` ${ID}`,
    `${ID}\n`,
    `${ID}\0`,
    `${ID}0`,
    ID.slice(1),
    ID.replace('6', 'g'),
    ID.replace('-', '\u2011'),
    ID.replace('6', '６'),
    `\u200b${ID}`,
    "' OR 1=1 --",
  ])('refuses %j', (text) => {
    expect(parseProjectId(text)).toBeUndefined();
  });
});
