import { OBJECTS, OPERATIONS } from './gateway-operations.js';

export const GATEWAY_ACTIONS = ['read', 'write'] as const;
export type GatewayAction = (typeof GATEWAY_ACTIONS)[number];

/** Every resource, and every operation that the table lacks. */
export const EVERYTHING = '*';

/** Permissions of a key by resource. Write includes read. */
export type GatewayPermissions = Readonly<Record<string, GatewayAction>>;

/** An operation of Stripe's API, and the permission that it needs. */
export interface Operation {
  /** The words of the path before its first id, such as `customers` and `checkout/sessions`. */
  readonly resource: string;
  readonly action: GatewayAction;
  readonly host: 'api' | 'files';
  /** `/v1/customers/{}` */
  readonly path: string;
  /** Names of the objects in the answer, such as `customer`. */
  readonly objects: readonly string[];
}

interface PathNode {
  readonly words: Map<string, PathNode>;
  /** Continues with an id. */
  id?: PathNode;
  readonly operations: Map<string, Operation>;
}

const newNode = (): PathNode => ({ words: new Map(), operations: new Map() });

const ROOT = newNode();
const RESOURCES = new Set([EVERYTHING]);

for (const { head: resource, lines } of blocksOf(OPERATIONS)) {
  RESOURCES.add(resource);
  for (const line of lines) {
    const [, methods = '', path = '', objects = ''] = /^(.+?) (\/\S+)(?: = (.+))?$/.exec(line) ?? [];
    let node = ROOT;
    for (const word of wordsOf(path)) node = child(node, word);
    for (const each of methods.split(' ')) {
      const [method = '', host] = each.split('@');
      node.operations.set(method, {
        resource,
        action: method === 'GET' ? 'read' : 'write',
        host: host === 'files' ? 'files' : 'api',
        path,
        objects: objects.split(' ').filter(Boolean),
      });
    }
  }
}

function child(node: PathNode, word: string): PathNode {
  const known = word === '{}' ? node.id : node.words.get(word);
  const found = known ?? newNode();
  if (word === '{}') node.id = found;
  else node.words.set(word, found);
  return found;
}

/** Names that a key's permissions may have. */
export const PERMISSION_NAMES: readonly string[] = [...RESOURCES].sort();

export function isPermissionName(text: string): boolean {
  return RESOURCES.has(text);
}

/**
 * Characters of an id. Excludes what a server could read as another path after decoding: slashes, backslashes,
 * dots, percent signs, controls, and the semicolon of path parameters.
 */
const SEGMENT = String.raw`(?:[\w.~!$&'()*+,=:@-]|%(?![01]|2[5ef]|5c|7f)[\da-f]{2})+`;
const PLAIN_PATH = new RegExp(`^/v[12](?:/(?!\\.+(?:/|$))${SEGMENT})+$`, 'i');

/** Whether every server reads the path alike. Others are refused for every key. */
export function isPlainPath(path: string): boolean {
  return /^\/v[12]\//.test(path) && PLAIN_PATH.test(path);
}

/** Meter event sessions give out a token for Stripe's own host, where no permission of ours counts. */
export function isMeterEventStream(path: string): boolean {
  const decoded = path.includes('%')
    ? path.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    : path;
  return /^\/v\d+\/billing\/meter_event_s/i.test(decoded);
}

/** @param path that is plain */
export function operationOf(method: string, path: string): Operation {
  return (
    find(ROOT, wordsOf(path), 0, method === 'HEAD' ? 'GET' : method) ?? {
      resource: EVERYTHING,
      action: 'write',
      host: 'api',
      path: `${path.slice(0, 3)}/*`,
      objects: [],
    }
  );
}

function find(node: PathNode, words: readonly string[], nth: number, method: string): Operation | undefined {
  const word = words[nth];
  if (word === undefined) return node.operations.get(method);
  const next = node.words.get(word);
  return (next && find(next, words, nth + 1, method)) ?? (node.id && find(node.id, words, nth + 1, method));
}

function wordsOf(path: string): string[] {
  return path.split('/').slice(1);
}

export function isAllowed(permissions: GatewayPermissions, resource: string, action: GatewayAction): boolean {
  return covers(permissions, resource, action) || covers(permissions, EVERYTHING, action);
}

function covers(permissions: GatewayPermissions, name: string, action: GatewayAction): boolean {
  const given = Object.hasOwn(permissions, name) ? permissions[name] : undefined;
  return given === 'write' || (given === 'read' && action === 'read');
}

interface ObjectType {
  readonly resources: readonly string[];
  /** Objects by field, such as `invoice_settings.default_payment_method`. None for a part of the object itself. */
  readonly fields: ReadonlyMap<string, readonly Target[]>;
}

interface Target {
  readonly object: string;
  /** Whether the object is present without an expansion. */
  readonly isPresent: boolean;
  /** The one of its resources that it belongs to in this field. */
  readonly resource: string | undefined;
}

const OBJECT_TYPES = new Map<string, ObjectType>();
/** Starts of the fields of each object: `customer invoice_settings`. */
const PREFIXES = new Set<string>();

for (const { head, lines } of blocksOf(OBJECTS)) {
  const [object = '', resources = ''] = head.split(/ =\s*/);
  const fields = new Map<string, Target[]>();
  OBJECT_TYPES.set(object, { resources: resources.split(' ').filter(Boolean), fields });
  for (const line of lines) {
    const [field = '', names = ''] = line.split(': ');
    const parts = line.startsWith('+ ') ? line.split(' ').slice(1) : undefined;
    const targets = names.split(' ').map((name) => {
      const [target = '', resource] = name.replace('+', '').split('@');
      return { object: target, isPresent: name.startsWith('+'), resource };
    });
    for (const each of parts ?? [field]) {
      fields.set(each, parts ? [] : targets);
      const words = each.split('.');
      for (let length = 1; length < words.length; length += 1)
        PREFIXES.add(`${object} ${words.slice(0, length).join('.')}`);
    }
  }
}

/**
 * @param objects in the answer @param expansion `data.customer`
 * @returns resources that the key must be able to read. An object without a resource belongs to the one around.
 */
export function resourcesOfExpansion(objects: readonly string[], expansion: string): Set<string> {
  const resources = new Set<string>();
  let places = objects.map((object) => ({ object, prefix: '' }));
  for (const word of expansion.split('.')) {
    const next: typeof places = [];
    let isKnown = false;
    for (const { object, prefix } of places) {
      const field = prefix + word;
      const targets = OBJECT_TYPES.get(object)?.fields.get(field);
      const isInside = PREFIXES.has(`${object} ${field}`);
      // The items of a list are in its `data`, beside their count.
      const isOfList = prefix === '' && (word === 'data' || word === 'total_count');
      isKnown ||= targets !== undefined || isInside || isOfList;
      for (const target of targets ?? []) {
        for (const resource of neededFor(target)) resources.add(resource);
        next.push({ object: target.object, prefix: '' });
      }
      if (isInside) next.push({ object, prefix: `${field}.` });
      if (isOfList) next.push({ object, prefix });
    }
    if (!isKnown) return new Set([EVERYTHING]);
    places = next;
  }
  return resources;
}

function neededFor({ object, isPresent, resource }: Target): readonly string[] {
  if (isPresent) return [];
  return resource === undefined ? (OBJECT_TYPES.get(object)?.resources ?? []) : [resource];
}

/** Reads a generated table: heads, each with indented lines. */
function blocksOf(table: string): { head: string; lines: string[] }[] {
  const blocks: { head: string; lines: string[] }[] = [];
  for (const line of table.trim().split('\n')) {
    if (line.startsWith('  ')) blocks.at(-1)?.lines.push(line.trim());
    else blocks.push({ head: line, lines: [] });
  }
  return blocks;
}
