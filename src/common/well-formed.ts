const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Puts U+FFFD in place of lone surrogates in all texts and names of a JSON value, in place. PostgreSQL would do so silently, while SQLite
 * and seals refuse them.
 */
export function makeWellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    value.forEach((item, index) => (value[index] = makeWellFormed(item)));
    return value;
  }
  const fields = value as Record<string, unknown>;
  for (const [name, field] of Object.entries(fields)) {
    if (LONE_SURROGATE.test(name)) {
      delete fields[name];
      fields[name.toWellFormed()] = makeWellFormed(field);
    } else if (typeof field === 'string' || typeof field === 'object') fields[name] = makeWellFormed(field);
  }
  return value;
}
