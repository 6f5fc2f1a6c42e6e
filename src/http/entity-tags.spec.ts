import { readEntityTags } from './entity-tags.js';
import { DomainError } from '../common/errors.js';

const read = (value: string | undefined) => readEntityTags('If-Match', value);
const strong = (opaque: string) => ({ isWeak: false, opaque });
const weak = (opaque: string) => ({ isWeak: true, opaque });

describe('readEntityTags', () => {
  it.each([
    [undefined, undefined],
    ['*', '*'],
    [' * ', '*'],
    ['"7"', [strong('7')]],
    ['W/"7"', [weak('7')]],
    ['""', [strong('')]],
    ['"*"', [strong('*')]],
    ['"a","b"', [strong('a'), strong('b')]],
    ['  "a" ,\tW/"b", , "c",', [strong('a'), weak('b'), strong('c')]],
    [', ,"a"', [strong('a')]],
    ['"a,b"', [strong('a,b')]],
    ['"\\"', [strong('\\')]],
  ])('reads %j', (value, tags) => {
    expect(read(value)).toEqual(tags);
  });

  it.each([
    '',
    ' ',
    ',',
    '7',
    '"7',
    '7"',
    '"7" "8"',
    "'7'",
    'w/"7"',
    'W/7',
    'W/ "7"',
    '*, "7"',
    '"7", *',
    '**',
    '"a"b"',
    '"\u0001"',
    '"a, W/b"',
    '"7";x=1',
  ])('refuses %j with advice', (value) => {
    expect(() => read(value)).toThrow(
      'The If-Match header must be * or a list of entity tags in quotation marks, as ETag has them.',
    );
  });

  it('refuses a malformed header of any length in time', () => {
    for (const part of [',', ' ,', '"a",', '"a" , ,', 'W/"a"\t', '"', ' ']) {
      expect(() => read(`${part.repeat(5_000)}!`)).toThrow(DomainError);
      expect(() => read(`"a"${part.repeat(5_000)}!`)).toThrow(DomainError);
    }
  });
});
