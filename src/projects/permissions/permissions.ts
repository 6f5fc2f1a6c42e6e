/** Roles in a project. Each may do all that the roles before it may do. */
export const ROLES = ['viewer', 'admin', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** Roles that can be given to somebody. A project has one owner, who changes by a transfer only. */
export const GIVEN_ROLES = ['viewer', 'admin'] as const satisfies Role[];
export type GivenRole = (typeof GIVEN_ROLES)[number];

interface Rule {
  /** The lowest role that has the permission. */
  readonly from: Role;
  readonly allows: string;
  /** Keys outlive the account that makes them, so an account of a project may not make any. */
  readonly exceptServiceAccounts?: true;
}

/**
 * Every permission in a project. Guards, the OpenAPI document, `docs/auth.md` and the access matrix of the
 * tests derive from this table.
 */
export const PERMISSIONS = {
  'project:read': { from: 'viewer', allows: 'see name and description' },
  'project:write': { from: 'admin', allows: 'change name and description' },
  'project:transfer': { from: 'owner', allows: 'make another member the owner' },
  'project:delete': { from: 'owner', allows: 'delete the project' },
  'service-accounts:write': { from: 'owner', allows: 'list, make, rotate and revoke service accounts' },
  'members:read': { from: 'viewer', allows: 'list the members' },
  'members:write': { from: 'owner', allows: 'add, change, invite and remove members' },
  'notifications:write': {
    from: 'viewer',
    allows: 'say whether and where one gets mails about the project',
    exceptServiceAccounts: true,
  },
  'config:read': { from: 'viewer', allows: 'see masked credentials, their status, and the webhook URLs' },
  'config:write': { from: 'admin', allows: 'store and destroy credentials' },
  'config:validate': { from: 'admin', allows: 'ask Stripe about a key' },
  'gateway-keys:write': {
    from: 'admin',
    allows: 'list, make, change, rotate and revoke gateway keys',
    exceptServiceAccounts: true,
  },
  'connect-links:write': {
    from: 'admin',
    allows: 'list, make and revoke links on which a tenant connects Stripe',
  },
  'history:read': { from: 'viewer', allows: 'see who changed what' },
  'endpoints:write': { from: 'admin', allows: 'make and remove webhook endpoints at Stripe' },
  'events:read': { from: 'viewer', allows: 'list events, without payloads' },
  'events:payload': { from: 'admin', allows: "read an event's payload" },
  'events:replay': { from: 'admin', allows: 'handle an event once more' },
  'events:reconcile': { from: 'admin', allows: 'catch up on missed events' },
  'event-destinations:write': { from: 'admin', allows: 'see, change and test event destinations' },
  'event-log:read': { from: 'viewer', allows: 'pull events with their data' },
  'ledger:read': { from: 'viewer', allows: 'list subscriptions and payments, and see statistics' },
  'end-user-tokens:create': { from: 'admin', allows: 'make tokens for end users' },
} as const satisfies Record<string, Rule>;

export type Permission = keyof typeof PERMISSIONS;

/** The roles that have the permission, lowest first. */
export function rolesWith(permission: Permission): readonly Role[] {
  return ROLES.slice(ROLES.indexOf(PERMISSIONS[permission].from));
}

/** The roles with which a service account of a project has the permission. */
export function accountRolesWith(permission: Permission): readonly GivenRole[] {
  const { exceptServiceAccounts }: Rule = PERMISSIONS[permission];
  return exceptServiceAccounts ? [] : GIVEN_ROLES.filter((role) => hasPermission(role, permission));
}

export function hasPermission(role: Role, permission: Permission): boolean {
  return rolesWith(permission).includes(role);
}
