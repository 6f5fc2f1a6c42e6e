import { setFlagsFromString } from 'node:v8';

const KEEP = 1;
const DOUBLE = 2;

/**
 * Loading the modules makes V8 grow the young generation of its heap to its limit, and without load nothing makes it smaller again: some
 * 30 MB. So it stays as small as it begins until the server listens.
 */
setYoungGenerationGrowth(KEEP);

/** From now on it grows as V8 sees fit. */
export function letYoungGenerationGrow(): void {
  setYoungGenerationGrowth(DOUBLE);
}

function setYoungGenerationGrowth(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}
