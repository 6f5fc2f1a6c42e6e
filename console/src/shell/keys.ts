import { useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { type ProjectPage, projectPath } from './paths';

/** After `g`. */
const PAGES: Record<string, ProjectPage> = {
  o: '',
  s: 'stripe',
  e: 'events',
  m: 'money',
  h: 'history',
  a: 'access',
};
const SEQUENCE_MS = 1_200;

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');

export function useKeys({
  projectId,
  onPalette,
  onHelp,
}: {
  projectId: string | undefined;
  onPalette: () => void;
  onHelp: () => void;
}) {
  const [, go] = useLocation();
  const afterG = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { key, target } = event;
      if (key.toLowerCase() === 'k' && (event.metaKey || event.ctrlKey)) {
        event.preventDefault();
        return onPalette();
      }
      if (isTyping(target) || event.metaKey || event.ctrlKey || event.altKey) return;
      const isSecond = Date.now() - afterG.current < SEQUENCE_MS;
      afterG.current = 0;
      const page = PAGES[key];
      if (isSecond && key === 'p') go('/');
      else if (isSecond && page !== undefined && projectId !== undefined) go(projectPath(projectId, page));
      else if (key === 'g') afterG.current = Date.now();
      else if (key === '?') onHelp();
      else if (key === '/') {
        event.preventDefault();
        const search = document.querySelector<HTMLInputElement>('main input[type=search]');
        if (search) search.focus();
        else onPalette();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}
