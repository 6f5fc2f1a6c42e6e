import type { components, paths } from '../../../packages/client/src/api';

export type { paths };

type Schemas = components['schemas'];
export type Schema<Name extends keyof Schemas> = Schemas[Name];

export type Mode = 'test' | 'live';
export const MODES = ['test', 'live'] as const satisfies Mode[];
