import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, use } from 'react';
import { hasPermission, type Permission } from '../../../src/projects/permissions/permissions';
import * as queries from '../api/queries';
import { type Mode, MODES, type Schema } from '../api/types';
import { text } from '../text';
import { Segments } from '../ui/controls';
import { Loaded } from '../ui/loaded';
import { useModeIcon } from './mode-icon';

const Current = createContext<Schema<'ProjectResponse'> | null>(null);

export function ProjectScope({ id, children }: { id: string; children: ReactNode }) {
  return (
    <Loaded query={useQuery(queries.project(id))} lines={8}>
      {(project) => <Current value={project}>{children}</Current>}
    </Loaded>
  );
}

export function useProject(): Schema<'ProjectResponse'> {
  const project = use(Current);
  if (!project) throw new Error('This page belongs to no project.');
  return project;
}

/** Controls that the caller may not use are not shown. */
export function useMay(): (permission: Permission) => boolean {
  const { role } = useProject();
  return (permission) => hasPermission(role, permission);
}

/** Also marks the icon of the browser's tab. */
export function ModeSwitch({ mode, onChange }: { mode: Mode; onChange: (mode: Mode) => void }) {
  useModeIcon(mode);
  return (
    <Segments
      label={text.mode.label}
      value={mode}
      options={MODES.map((key) => [key, text.mode[key]] as const)}
      onChange={onChange}
    />
  );
}
