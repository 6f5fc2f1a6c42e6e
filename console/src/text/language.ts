import { recall, remember } from './memory';

const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;
export const languages = Object.entries(LANGUAGES) as [Language, string][];

const isLanguage = (name: string | undefined): name is Language =>
  name !== undefined && Object.hasOwn(LANGUAGES, name);

const wanted = [recall('language'), ...navigator.languages].map((name) => name?.split('-')[0]);
export const language: Language = wanted.find(isLanguage) ?? 'en';

/** The page starts again in the language. */
export function speak(next: Language): void {
  remember('language', next);
  location.reload();
}
