import fc from 'fast-check';
import { FormScanner } from './form-scanner.js';

/** The watched parameters that a scanner finds in the pieces of a form. */
function watchedIn(...pieces: string[]): string[] {
  const found: string[] = [];
  const scanner = new FormScanner((parameter, value) =>
    found.push(parameter ? `${parameter}=${value}` : '?'),
  );
  for (const piece of pieces) scanner.push(piece);
  scanner.end();
  return found;
}

/** Spells a name in ways that some server may read alike. */
const spelled = (name: string) =>
  fc
    .tuple(
      fc.array(fc.constantFrom('plain', 'encoded', 'upper'), {
        minLength: name.length,
        maxLength: name.length,
      }),
      fc.constantFrom('', '+', '%20', '[', '%5B', '.', '%00'),
      fc.constantFrom('', '[]', '%5B%5D', '[0]', '[create]', '%5bcreate%5d', '[][]', '.create', ']'),
    )
    .map(([ways, before, after]) => {
      const letters = [...name].map((letter, nth) => {
        if (ways[nth] === 'upper') return letter.toUpperCase();
        return ways[nth] === 'plain' ? letter : `%${letter.charCodeAt(0).toString(16)}`;
      });
      return before + letters.join('') + after;
    });

it('finds each spelling of each watched name, wherever it is and however the form is cut', () => {
  const name = fc.constantFrom('expand' as const, 'file_link_data' as const);
  const other = fc.constantFrom(
    'purpose=a',
    '',
    'a',
    `b=${'c'.repeat(9_000)}`,
    'unexpand[]=a',
    'metadata[expand]=a',
  );
  fc.assert(
    fc.property(
      name.chain((parameter) => fc.tuple(fc.constant(parameter), spelled(parameter))),
      fc.tuple(other, fc.constantFrom('&', ';'), other),
      fc.integer({ min: 1, max: 9_000 }),
      ([parameter, spelling], [before, separator, after], length) => {
        const form = [before, `${spelling}=true`, after].join(separator);
        const pieces = Array.from({ length: Math.ceil(form.length / length) }, (_, nth) =>
          form.slice(nth * length, (nth + 1) * length),
        );
        expect(watchedIn(...pieces)).toEqual([`${parameter}=true`]);
      },
    ),
  );
});

it('can tell nothing about a long value and a long name', () => {
  const long = 'a'.repeat(9_000);
  expect(watchedIn(`expand[]=${long}`)).toEqual(['?']);
  expect(watchedIn('a=b&', ' '.repeat(9_000), 'expand[]=a')).toEqual(['?']);
  expect(watchedIn('name=', long, 'expand[]=a')).toEqual([]);
});
