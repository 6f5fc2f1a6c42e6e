import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';

const markdownIn = (folder: string, options = {}) =>
  readdirSync(folder, { encoding: 'utf8', ...options })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const PAGES = ['docs', 'bench', 'test']
  .flatMap((folder) => markdownIn(folder, { recursive: true }))
  .concat(markdownIn('.'))
  .map((page) => [page, readFileSync(page, 'utf8')] as const);

const withoutCode = (text: string) => text.replaceAll(/^ *```.*?^ *```$/gms, '');

/** Anchors of the headings, as GitHub makes them. */
const ANCHORS = new Map(
  PAGES.map(([page, text]) => [
    page,
    [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  ]),
);

function isBroken(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path ? normalize(join(dirname(page), path)) : page;
  return !existsSync(target) || (anchor !== undefined && ANCHORS.get(target)?.includes(anchor) === false);
}

/**
 * Paths of the repository in backticks, without patterns such as `src/**`. The changelog names former ones.
 */
const pathsIn = (text: string) =>
  [...text.matchAll(/`((?:src|test|scripts|bench|docs|deploy)\/[\w./-]+)`/g)].map(([, path = '']) => path);

const SOURCE_NAMES = new Set(
  ['.', 'src', 'test', 'scripts', 'bench']
    .flatMap((folder) => readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' }))
    .map((path) => basename(path)),
);

const sources = ['src', 'test/harness'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8')),
);
const DECLARED = new Set(
  sources.flatMap((source) =>
    [...source.matchAll(/\b(?:class|interface|type|const|function) (\w+)/g)].map(([, name]) => name),
  ),
);

it('finds pages, links and paths', () => {
  expect(PAGES.length).toBeGreaterThan(40);
  expect(isBroken('README.md', 'docs/nothing.md')).toBe(true);
  expect(isBroken('README.md', 'docs/architecture.md#nothing')).toBe(true);
  expect(isBroken('README.md', 'docs/architecture.md#add-a-setting')).toBe(false);
});

it.each(PAGES)('%s has no broken link', (page, text) => {
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const local = links.filter((link) => !/^[a-z]+:/.test(link));
  expect(local.filter((link) => isBroken(page, link))).toEqual([]);
});

it.each(PAGES.filter(([page]) => page !== 'CHANGELOG.md'))(
  '%s names only paths that exist',
  (_page, text) => {
    expect(pathsIn(text).filter((path) => !existsSync(path))).toEqual([]);
    const files = [...text.matchAll(/`([\w.-]+\.m?ts)`/g)].map(([, name = '']) => name);
    expect(files.filter((name) => !SOURCE_NAMES.has(name))).toEqual([]);
  },
);

it('the architecture names only classes that exist', () => {
  const text = readFileSync('docs/architecture.md', 'utf8');
  const names = [...text.matchAll(/\b(?:[A-Z][a-z]+){2,}\b/g)].map(([name]) => name);
  const ELSEWHERE = ['PaymentIntent', 'NestJS', 'OpenAPI', 'PostgreSQL'];
  expect(new Set(names).size).toBeGreaterThan(20);
  expect(names.filter((name) => !DECLARED.has(name) && !ELSEWHERE.includes(name))).toEqual([]);
});

describe('docs/operating.md', () => {
  const text = readFileSync('docs/operating.md', 'utf8');
  /** The names in backticks in the first column of a table. */
  const firstColumn = (heading: string) => {
    const [, rows = ''] = new RegExp(`^\\| ${heading} .*\\n((?:\\|.*\\n)+)`, 'm').exec(text) ?? [];
    return rows
      .split('\n')
      .flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
  };

  it('lists every periodic task', () => {
    const tasks = sources.flatMap((source) =>
      [...source.matchAll(/\btasks\.add\(\{\s*name: '(\w+)'/g)].map(([, name]) => name),
    );
    expect(tasks.length).toBeGreaterThan(10);
    expect(firstColumn('task').sort()).toEqual(tasks.sort());
  });

  it('lists every command', () => {
    const [, index = ''] =
      /const INDEX\b.*?= \{\n(.*?)^\};/ms.exec(readFileSync('src/cli/program.ts', 'utf8')) ?? [];
    const commands = [...index.matchAll(/^ {2}'?([\w-]+)'?:/gm)].map(([, name]) => name);
    expect(commands.length).toBeGreaterThan(10);
    const listed = new Set(firstColumn('command').map((name) => name.split(' ')[0]));
    expect([...listed].sort()).toEqual(commands.sort());
  });
});
