import { readFileSync } from 'node:fs';
import { PROBLEM_TYPES } from '../common/errors.js';
import { HTTP_STATUS } from './error.filter.js';

const page = readFileSync('docs/errors.md', 'utf8');

function rowsUnder(heading: string, row: RegExp): string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [table = ''] = section.split('\n## ');
  return [...table.matchAll(row)].map(([, ...cells]) => cells.join(' ')).sort();
}

describe('docs/errors.md', () => {
  it('has every error code with its status, and no other', () => {
    const codes = Object.entries(HTTP_STATUS).map(([code, status]) => `${code} ${status}`);
    expect(rowsUnder('Codes', /^\| `(\w+)` +\| (\d+)/gm)).toEqual(codes.sort());
  });

  it('has every problem type, and no other', () => {
    expect(rowsUnder('Problem types', /^\| `(\w+)`/gm)).toEqual([...PROBLEM_TYPES].sort());
  });
});
