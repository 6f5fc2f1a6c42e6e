/** A count with its noun, in the forms that the language has. */
export function pluralsOf(language: string) {
  const rules = new Intl.PluralRules(language);
  const format = new Intl.NumberFormat(language);
  return (count: number, one: string, other: string): string =>
    `${format.format(count)} ${rules.select(count) === 'one' ? one : other}`;
}
