import { useCallback } from 'react';
import { useSearchParams } from 'wouter';
import type { Mode } from '../api/types';

/** A part of the page's state that its URL keeps. The default value is not in the URL. */
export function useAddress<Value extends string = string>(
  name: string,
  fallback: NoInfer<Value>,
): [Value, (value: Value) => void] {
  const [parameters, set] = useSearchParams();
  const value = (parameters.get(name) ?? fallback) as Value;
  const change = useCallback(
    (next: Value) =>
      set((before) => {
        const after = new URLSearchParams(before);
        if (next === fallback) after.delete(name);
        else after.set(name, next);
        // Another filter or mode has another first page.
        if (name !== 'page') after.delete('page');
        return after;
      }),
    [set, name, fallback],
  );
  return [value, change];
}

export function usePage(): [number, (page: number) => void] {
  const [page, setPage] = useAddress('page', '1');
  return [Math.max(1, Math.floor(Number(page)) || 1), (next) => setPage(String(next))];
}

export function useMode(fallback: Mode = 'live'): [Mode, (mode: Mode) => void] {
  const [mode, setMode] = useAddress<Mode>('mode', fallback);
  return [mode === 'test' || mode === 'live' ? mode : fallback, setMode];
}
