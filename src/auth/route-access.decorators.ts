import { SetMetadata } from '@nestjs/common';

export const ACCESS = 'auth:access';
export const UNLIMITED = 'auth:unlimited';

/** Whom a route is for. Every route says it; one that doesn't is treated as for developers. */
export type Access = 'developer' | 'end_user' | 'public';

/** Opens a route to everybody, with or without an access token. */
export const Public = () => SetMetadata(ACCESS, 'public' satisfies Access);

/** Opens a route to every developer. A route of one project has `@RequiresPermission()` instead. */
export const ForDevelopers = () => SetMetadata(ACCESS, 'developer' satisfies Access);

/** Gives a route to end users (tokens with a `project_id`), and to nobody else. */
export const ForEndUsers = () => SetMetadata(ACCESS, 'end_user' satisfies Access);

/** Takes a route out of the rate limit. */
export const Unlimited = () => SetMetadata(UNLIMITED, true);
