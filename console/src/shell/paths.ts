export const PROJECT_PAGES = ['', 'stripe', 'events', 'money', 'history', 'access'] as const;
export type ProjectPage = (typeof PROJECT_PAGES)[number];

export const projectPath = (id: string, page: ProjectPage = ''): string =>
  `/projects/${id}${page && `/${page}`}`;

export const destinationPath = (project: string, id: string): string =>
  `${projectPath(project, 'access')}?tab=destinations&destination=${id}`;

/** Where to go after signing in: a path of the console, never another site. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '/';
  return /^\/(?![/\\])/.test(next) ? next : '/';
}
