import fc from 'fast-check';
import { boundaryOf, MultipartScanner } from './multipart-scanner.js';

const part = (head: string, content = 'links') => `--b\r\n${head}\r\n\r\n${content}\r\n`;
const named = (parameters: string, content?: string) =>
  part(`Content-Disposition: form-data; ${parameters}`, content);
const FILE = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\nexpand[]\r\n`;
const END = '--b--\r\n';

/** The scanner met a part that servers may read differently. */
const UNREADABLE = 'unreadable';

/** The values of the watched parameters that a scanner finds in the pieces of a body. */
function valuesIn(...pieces: string[]): string[] {
  const found: string[] = [];
  const scanner = new MultipartScanner('b', (parameter, value) => found.push(parameter ? value : UNREADABLE));
  for (const piece of pieces) scanner.push(piece);
  scanner.end();
  return found;
}

it.each([
  ['name="expand[]"'],
  ['name="expand[0]"'],
  ['name="expand"'],
  ['name=expand[]'],
  ['NAME="Expand[]"'],
  ['name=" expand[]"'],
  ['name="[expand][]"'],
  ['name="file_link_data[create]"'],
  ['name=File_Link_Data'],
  ['filename="a"; name="expand[]"'],
  ['name="expand[]"; filename="a"'],
  ['name="expand[]";filename="a"'],
])('finds the value of a part with %s', (parameters) => {
  expect(valuesIn(FILE + named(parameters) + FILE + END)).toEqual(['links']);
});

it('finds each of them, however the body is cut into pieces', () => {
  const body = FILE + named('name="expand[]"', 'links.data') + FILE + named('name="expand[]"') + END;
  const cut = fc.array(fc.integer({ min: 0, max: body.length }), { maxLength: 20 });
  fc.assert(
    fc.property(cut, (places) => {
      const sorted = [0, ...places.sort((a, b) => a - b), body.length];
      const pieces = sorted.slice(1).map((end, nth) => body.slice(sorted[nth], end));
      expect(valuesIn(...pieces)).toEqual(['links.data', 'links']);
    }),
  );
  expect(valuesIn(...body)).toEqual(['links.data', 'links']);
});

it.each([
  ['an encoded name', named(`name*=utf-8''expand%5B%5D`)],
  ['a name in pieces', named('name*0="exp"; name*1="and"')],
  ['an encoded word', named('name="=?utf-8?B?ZXhwYW5k?="')],
  ['an escape in a name', named('name="e\\xpand[]"')],
  ['a percent sign in a name', named('name="%65xpand[]"')],
  ['two names', named('name="file"; name="expand[]"')],
  ['no name', named('filename="a"')],
  ['an escaped quote', named('filename="a\\"; name=expand; x="; name="file"')],
  ['a name after an escaped quote', named('name="file"; filename="a\\"; name="expand[]"')],
  ['a space before an equals sign', named('name ="expand[]"')],
  ['an unknown parameter', named('x=y; name="file"')],
  ['another kind', part('Content-Disposition: attachment; name="expand[]"')],
  ['no disposition', part('Content-Type: text/plain')],
  ['no head', '--b\r\n\r\nlinks\r\n'],
  [
    'two dispositions',
    part('Content-Disposition: form-data; name="file"\r\nContent-Disposition: form-data; name="expand[]"'),
  ],
  ['a folded header', part('Content-Disposition: form-data;\r\n name="expand[]"')],
  ['a space before a colon', part('Content-Disposition : form-data; name="expand[]"')],
  ['line ends without CR', '--b\nContent-Disposition: form-data; name="expand[]"\n\nlinks\n'],
  ['line ends without LF', '--b\rContent-Disposition: form-data; name="expand[]"\r\rlinks\r'],
  ['a head of several kinds of line ends', part('A: b\nContent-Disposition: form-data; name="expand[]"')],
  ['a space after a delimiter', '--b \r\nContent-Disposition: form-data; name="expand[]"\r\n\r\nlinks\r\n'],
  ['a part within a part', part('Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed')],
  [
    'an encoded expansion',
    part('Content-Disposition: form-data; name="expand[]"\r\nContent-Transfer-Encoding: base64', 'bGlua3M='),
  ],
  ['a long head', part(`A: ${'a'.repeat(9_000)}\r\nContent-Disposition: form-data; name="expand[]"`)],
  ['an encoded name of a link', named('name="file%5Flink_data[create]"')],
  ['a long expansion', named('name="expand[]"', 'a'.repeat(9_000))],
  ['an expansion of two lines', named('name="expand[]"', 'links\r\ndata')],
  ['a part after the end', `${END}${named('name="expand[]"')}`],
])('can tell nothing about %s', (_what, body) => {
  expect(valuesIn(FILE + body + END)).toEqual([UNREADABLE]);
  expect(valuesIn(...(FILE + body + END))).toEqual([UNREADABLE]);
});

it('can tell nothing about a body that ends within a head or an expansion', () => {
  expect(valuesIn('--b\r\nContent-Disposition: form-data; name="exp')).toEqual([UNREADABLE]);
  expect(valuesIn('--b\r\nContent-Disposition: form-data; name="expand"\r\n\r\nlinks')).toEqual([UNREADABLE]);
});

it.each([
  ['a file', FILE + END],
  ['a body without its last line end', `${FILE}--b--`],
  [
    'other fields',
    named('name="purpose"') + named('name="unexpand[]"') + named('name="file_link_datas"') + END,
  ],
  ['a value', named('name="purpose"', 'name="expand[]"') + END],
  ['a file name', named('name="file"; filename="expand[] C:\\dir\\a.pdf"') + END],
  ['an encoded file name', named(`name="file"; filename="a"; filename*=utf-8''expand%5B%5D`) + END],
])('finds none in %s', (_what, body) => expect(valuesIn(body)).toEqual([]));

it.each([
  ['multipart/form-data; boundary=b', 'b'],
  ['Multipart/Form-Data;boundary=----formdata-undici-012345', '----formdata-undici-012345'],
  ['multipart/form-data; boundary="b:c"', 'b:c'],
  ['multipart/form-data', undefined],
  ['multipart/form-data; boundary=', undefined],
  ['multipart/form-data; boundary=b; boundary=c', undefined],
  ['multipart/form-data; boundary=b; charset=utf-16', undefined],
  ['multipart/form-data; boundary="b\\c"', undefined],
  ['multipart/form-data; boundary*=b', undefined],
  ['multipart/form-data; boundary=b c', undefined],
  ['multipart/form-data, application/json; boundary=b', undefined],
  ['multipart/mixed; boundary=b', undefined],
])('reads the boundary of %s: %s', (type, boundary) => expect(boundaryOf(type)).toBe(boundary));
