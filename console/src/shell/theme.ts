import { recall, remember } from '../text/memory';

export type Theme = 'system' | 'light' | 'dark';
export const THEMES = ['system', 'light', 'dark'] as const satisfies Theme[];

export const currentTheme = (): Theme => {
  const kept = recall('theme');
  return kept === 'light' || kept === 'dark' ? kept : 'system';
};

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function setTheme(theme: Theme): void {
  remember('theme', theme);
  apply(theme);
  // Plots are drawn with the colours of the theme.
  dispatchEvent(new Event('themechange'));
}

apply(currentTheme());
