export const PROJECT_PAGES = ['', 'stripe', 'events', 'money', 'history', 'access'] as const;
export type ProjectPage = (typeof PROJECT_PAGES)[number];

export const projectPath = (id: string, page: ProjectPage = ''): string =>
  `/projects/${id}${page && `/${page}`}`;

export const destinationPath = (project: string, id: string): string =>
  `${projectPath(project, 'access')}?tab=destinations&destination=${id}`;

const inMode = (isTest: boolean) => `?mode=${isTest ? 'test' : 'live'}`;

export const paymentPath = (project: string, id: string, isTest: boolean): string =>
  `${projectPath(project, 'money')}/payments/${id}${inMode(isTest)}`;

export const subscriptionPath = (project: string, id: string, isTest: boolean): string =>
  `${projectPath(project, 'money')}/subscriptions/${id}${inMode(isTest)}`;

/** The list of the events about a subscription or payment, with one of them open. */
export const eventPath = (project: string, objectId: string, id: string): string =>
  `${projectPath(project, 'events')}?object=${encodeURIComponent(objectId)}&event=${id}`;

/** Where to go after signing in: a path of the console, never another site. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '/';
  return /^\/(?![/\\])/.test(next) ? next : '/';
}
