import { alternatives, type Document, resolve, type Schema } from './schema-compatibility.js';

/** Builds the example of a schema from the examples of its fields. Fails if one is missing. */
export function exampleOf(document: Document, schema: Schema, at: string): unknown {
  const { example, enum: values, ...rest } = resolve(document, schema);
  if (example !== undefined) return example;
  const [first] = alternatives(document, rest);
  if (first?.properties) {
    const { properties } = first;
    return Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [
        name,
        exampleOf(document, property, `${at}.${name}`),
      ]),
    );
  }
  if (first?.items) return [exampleOf(document, first.items, `${at}[]`)];
  if (values) return values[0];
  throw new Error(`${at} has no example.`);
}
