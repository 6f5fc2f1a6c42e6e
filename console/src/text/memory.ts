/** What this browser remembers. In a frame of another site it may be forbidden to. */
export function recall(key: string): string | undefined {
  try {
    return localStorage.getItem(`tillkeeper-${key}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`tillkeeper-${key}`, value);
  } catch {
    // Then it holds until the page is closed.
  }
}
