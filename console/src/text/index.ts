import { en, type Messages } from './en';
import { language } from './language';

/** The texts in the reader's language. Read them while rendering, not while loading a module. */
export let text: Messages = en;

export async function loadTexts(): Promise<void> {
  document.documentElement.lang = language;
  if (language === 'de') text = (await import('./de')).de;
}
