// Pins the images of Dockerfile and compose.yaml to the current digests of their tags. Asks the registries
// through Docker. Run it again to update them.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const IMAGE = /^(FROM|\s+image:) ([\w./-]+:[\w.-]+)(?:@sha256:\w+)?/gm;

const digests = new Map();
function digestOf(tag) {
  if (!digests.has(tag)) {
    const args = ['buildx', 'imagetools', 'inspect', tag, '--format', '{{.Manifest.Digest}}'];
    const digest = execFileSync('docker', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`Docker knows no digest of ${tag}.`);
    console.log(`${tag}@${digest}`);
    digests.set(tag, digest);
  }
  return digests.get(tag);
}

const pinned = ['Dockerfile', 'compose.yaml'].map((file) => {
  const text = readFileSync(file, 'utf8');
  return [file, text.replaceAll(IMAGE, (_, keyword, tag) => `${keyword} ${tag}@${digestOf(tag)}`)];
});
for (const [file, text] of pinned) writeFileSync(file, text);
