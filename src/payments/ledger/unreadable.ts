/** What an object has to tell is not there, or not in the form that it always had. Nothing is guessed. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';

  constructor(field: string) {
    super(`Its "${field}" is missing or in no form that is known, so it changes nothing here.`);
  }
}

/** @throws Unreadable when there is no value */
export function required<T>(value: T | null | undefined, field: string): T {
  if (value === undefined || value === null) throw new Unreadable(field);
  return value;
}
