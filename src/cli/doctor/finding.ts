/** `warning`: it works, but not as it should. `skipped`: there was nothing to look at. */
type Verdict = 'ok' | 'warning' | 'failed' | 'skipped';

/** What one check came to, with a sentence that says what to do where something is wrong. */
export interface Finding {
  readonly verdict: Verdict;
  readonly message: string;
}

export const ok = (message: string): Finding => ({ verdict: 'ok', message });
export const warning = (message: string): Finding => ({ verdict: 'warning', message });
export const failed = (message: string): Finding => ({ verdict: 'failed', message });
export const skipped = (message: string): Finding => ({ verdict: 'skipped', message });
