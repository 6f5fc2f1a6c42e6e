import { readFileSync } from 'node:fs';
import { type Content, type Document, incompatibilities, type Operation } from './schema-compatibility.js';

/** The interface of existing clients. */
export const contract = JSON.parse(readFileSync('test/contract/openapi.json', 'utf8')) as Document;

/** `PUT /path` for each operation of the document. */
export function operationsOf({ paths }: Document): Map<string, Operation> {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
  return new Map(operations);
}

/** Differences in our document that break clients of one operation of the contract. */
export function breaksOf(ours: Document, name: string): string[] {
  const operation = operationsOf(ours).get(name);
  const wanted = operationsOf(contract).get(name);
  if (!wanted) throw new Error(`The contract has no ${name}.`);
  if (!operation) return ['is missing'];
  return [
    ...breaksOfParameters(ours, operation, wanted),
    ...breaksOfRequest(ours, operation, wanted),
    ...Object.entries(wanted.responses).flatMap(([status, response]) => {
      const match = operation.responses[status];
      return match
        ? breaksOfContent(ours, match.content, response.content, 'response', status)
        : [`${status} is missing`];
    }),
  ];
}

function breaksOfParameters(ours: Document, operation: Operation, wanted: Operation): string[] {
  const known = operation.parameters ?? [];
  const expected = wanted.parameters ?? [];
  const find = (list: typeof known, { name, in: place }: { name: string; in: string }) =>
    list.find((each) => each.name === name && each.in === place);
  return [
    ...expected.flatMap((parameter) => {
      const at = `${parameter.in} ${parameter.name}`;
      const match = find(known, parameter);
      if (!match) return [`${at} is missing`];
      const required = match.required && !parameter.required ? [`${at} is required`] : [];
      return [
        ...required,
        ...incompatibilities({ ours, contract, direction: 'request' }, match.schema, parameter.schema, at),
      ];
    }),
    ...known
      .filter((parameter) => parameter.required && !find(expected, parameter))
      .map(({ name }) => `${name} is new and required`),
  ];
}

function breaksOfRequest(
  ours: Document,
  { requestBody: body }: Operation,
  { requestBody: wanted }: Operation,
): string[] {
  if (!wanted) return body?.required ? ['the body is new and required'] : [];
  const required = body?.required && !wanted.required ? ['the body is required'] : [];
  return [...required, ...breaksOfContent(ours, body?.content, wanted.content, 'request', 'body')];
}

function breaksOfContent(
  ours: Document,
  content: Content | undefined,
  wanted: Content | undefined,
  direction: 'request' | 'response',
  at: string,
): string[] {
  return Object.entries(wanted ?? {}).flatMap(([type, { schema }]) => {
    const match = content?.[type];
    return match
      ? incompatibilities({ ours, contract, direction }, match.schema, schema, at)
      : [`${at} is no ${type}`];
  });
}
