import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Replaces Docker, which would ask a registry. The digest derives from the tag's length. */
const DOCKER = `#!/bin/sh
[ "$1 $2 $3 $5" = 'buildx imagetools inspect --format' ] || exit 2
printf "$FORMAT\\n" "\${#4}"
`;
const FILES = ['Dockerfile', 'compose.yaml'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tillkeeper-pin-images-'));
  for (const file of FILES) cpSync(file, join(folder, file));
  writeFileSync(join(folder, 'docker'), DOCKER);
  chmodSync(join(folder, 'docker'), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = () => FILES.map((file) => readFileSync(join(folder, file), 'utf8'));
const pin = (format: string) =>
  spawnSync(process.execPath, [resolve('scripts/pin-images.mjs')], {
    cwd: folder,
    env: { PATH: `${folder}:${process.env.PATH}`, FORMAT: format },
  }).status;

it('pins every image to the digest of its tag, and updates it on the next run', () => {
  const images = (text: string) => text.match(/^(?:FROM|\s+image:) .*$/gm) ?? [];
  const bare = read().map((text) => text.replaceAll(/@sha256:\w+/g, ''));
  expect(bare.flatMap(images)).toHaveLength(5);
  for (const format of ['sha256:%064d', 'sha256:1%063d']) {
    expect(pin(format)).toBe(0);
    for (const image of read().flatMap(images)) expect(image).toMatch(/:[\w.-]+@sha256:\d{60}\d*( AS \w+)?$/);
    expect(read().map((text) => text.replaceAll(/@sha256:\d{64}/g, ''))).toEqual(bare);
  }
  expect(read().join('')).toContain(
    `node:24-bookworm@sha256:1${String('node:24-bookworm'.length).padStart(63, '0')} AS build`,
  );
});

it('changes nothing when an answer is not a digest', () => {
  const before = read();
  expect(pin('%d')).toBe(1);
  expect(read()).toEqual(before);
});
