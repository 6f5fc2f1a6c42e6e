import type { KeyFacts } from '../../../auth/opaque-keys/opaque-keys.js';
import type { RowOf } from '../../../database/columns.js';
import type { HistoryDetails } from '../../../history/history-entry.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { GatewayPermissions } from '../gateway-permissions.js';
import type { GatewayKeyEntity } from './gateway-key.entity.js';

type KeyRow = RowOf<GatewayKeyEntity>;

/** A key and what it may do. */
export interface GatewayKey extends Pick<
  KeyRow,
  'id' | 'projectId' | 'mode' | 'name' | 'paused' | 'createdAt'
> {
  readonly permissions: GatewayPermissions;
  readonly accounts: readonly string[];
}

/** A key that is used, with the state of its project. */
export interface UsedGatewayKey extends GatewayKey {
  readonly projectPaused: boolean;
}

export type ListedGatewayKey = GatewayKey & KeyFacts;

/** A key with its text, which is shown this once. */
export interface IssuedGatewayKey {
  readonly gatewayKey: ListedGatewayKey;
  readonly key: string;
}

export type NewGatewayKey = Pick<GatewayKey, 'mode' | 'name' | 'permissions' | 'accounts'> &
  Pick<KeyFacts, 'expiresAt' | 'networks'>;

export type GatewayKeyChanges = Partial<
  Pick<GatewayKey, 'name' | 'permissions' | 'accounts' | 'paused'> & Pick<KeyFacts, 'networks'>
>;

export const kindOf = (mode: StripeMode) => `gateway_${mode}` as const;

export function toGatewayKey({ permissions, accounts, ...row }: KeyRow): GatewayKey {
  const { id, projectId, mode, name, paused, createdAt } = row;
  return {
    id,
    projectId,
    mode,
    name,
    paused,
    createdAt,
    permissions: JSON.parse(permissions) as GatewayPermissions,
    accounts: accounts?.split(' ') ?? [],
  };
}

export function columnsOf({ permissions, accounts }: Pick<GatewayKey, 'permissions' | 'accounts'>) {
  return {
    permissions: JSON.stringify(permissions),
    accounts: accounts.length > 0 ? accounts.join(' ') : null,
  };
}

const CHANGEABLE = ['name', 'permissions', 'accounts', 'networks', 'paused'] as const;

/** Names of the fields that differ. The order of permissions means nothing. */
export function changedFields(before: ListedGatewayKey, after: ListedGatewayKey): string[] {
  const textOf = (key: ListedGatewayKey, field: (typeof CHANGEABLE)[number]) =>
    JSON.stringify(field === 'permissions' ? Object.entries(key.permissions).sort() : key[field]);
  return CHANGEABLE.filter((field) => textOf(before, field) !== textOf(after, field));
}

export function detailsOf({ id, name, mode }: GatewayKey): HistoryDetails {
  return { gateway_key: id, name, mode };
}
