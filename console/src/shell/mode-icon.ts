import { useEffect } from 'react';
import type { Mode } from '../api/types';
import liveIcon from '../styles/icon.svg';
import testIcon from '../styles/icon-test.svg';

/** Marks the mode in the icon of the browser's tab. */
export function useModeIcon(mode: Mode): void {
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    if (!icon) return;
    icon.href = mode === 'test' ? testIcon : liveIcon;
    return () => {
      icon.href = liveIcon;
    };
  }, [mode]);
}
