declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A project's id: a lower-case RFC 9562 UUID. */
export type ProjectId = Branded<string, 'ProjectId'>;

/** The `sub` of a developer's access token, 1 to 255 characters. Ownership compares it exactly. */
export type OwnerId = Branded<string, 'OwnerId'>;

/** An end user's id within one project: a lower-case RFC 9562 UUID. */
export type EndUserId = Branded<string, 'EndUserId'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** @returns the id in lower case, or `undefined` if the text is no UUID */
export function parseUuid<Id extends string>(text: string): Id | undefined {
  return UUID.test(text) ? (text.toLowerCase() as Id) : undefined;
}

export function parseProjectId(text: string): ProjectId | undefined {
  return parseUuid<ProjectId>(text);
}
