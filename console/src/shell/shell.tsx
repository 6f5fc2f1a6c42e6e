import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { Link, useLocation, useRoute } from 'wouter';
import * as queries from '../api/queries';
import { hasScopes, signOut } from '../api/session';
import { queryClient } from '../api/client';
import icon from '../styles/icon.svg';
import { text } from '../text';
import { Skeleton } from '../ui/content';
import { Menu } from '../ui/menu';
import { Toasts } from '../ui/toasts';
import { useKeys } from './keys';
import { PROJECT_PAGES, projectPath } from './paths';
import styles from './shell.module.css';

// Nobody needs a dialog at first sight.
const Keys = lazy(async () => ({ default: (await import('./palette')).Keys }));
const Palette = lazy(async () => ({ default: (await import('./palette')).Palette }));

export function Shell({ children }: { children: ReactNode }) {
  const [dialog, setDialog] = useState<'palette' | 'keys' | null>(null);
  const [path] = useLocation();
  const [, inProject] = useRoute('/projects/:id/*?');
  const id = inProject?.id === 'new' ? undefined : inProject?.id;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useKeys({ projectId: id, onPalette: () => setDialog('palette'), onHelp: () => setDialog('keys') });

  // Screen readers hear the new page, and the keyboard starts at its top.
  useEffect(() => {
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [path]);

  return (
    <>
      <a className={styles.skip} href="#content">
        {text.nav.skip}
      </a>
      <Offline />
      <div className={styles.app}>
        <header className={styles.side}>
          <Link href="/" className={styles.brand}>
            <img src={icon} alt="" />
            <span>Tillkeeper</span>
          </Link>
          <Switcher id={id} />
          <Navigation id={id} />
          <Foot onPalette={() => setDialog('palette')} onKeys={() => setDialog('keys')} />
        </header>
        <main ref={main} id="content" className={styles.main} tabIndex={-1}>
          <Suspense fallback={<Skeleton lines={8} />}>{children}</Suspense>
        </main>
      </div>
      <Suspense>
        {dialog === 'palette' && <Palette projectId={id} onClose={() => setDialog(null)} />}
        {dialog === 'keys' && <Keys onClose={() => setDialog(null)} />}
      </Suspense>
      <Toasts />
    </>
  );
}

function Offline() {
  const [offline, setOffline] = useState(!navigator.onLine);
  useEffect(() => {
    const update = () => setOffline(!navigator.onLine);
    addEventListener('online', update);
    addEventListener('offline', update);
    return () => {
      removeEventListener('online', update);
      removeEventListener('offline', update);
    };
  }, []);
  return offline ? (
    <p className={styles.banner} role="status">
      {text.nav.offline}
    </p>
  ) : null;
}

function Switcher({ id }: { id: string | undefined }) {
  const [, go] = useLocation();
  const { data: list = [] } = useQuery(queries.projects);
  const { data: opened } = useQuery({ ...queries.project(id ?? ''), enabled: id !== undefined });
  const items = [
    ...list.slice(0, 50).map((project) => ({
      key: project.id,
      label: (
        <>
          {project.name}
          <small>{text.roles[project.role]}</small>
        </>
      ),
      onSelect: () => go(projectPath(project.id)),
    })),
    { key: 'new', label: text.nav.newProject, onSelect: () => go('/projects/new') },
  ];
  return (
    <Menu
      className={styles.switcher}
      label={
        <>
          <span>
            {opened?.name ?? text.nav.chooseProject}
            <small>{opened ? text.roles[opened.role] : text.nav.projectCount(list.length)}</small>
          </span>
          <span aria-hidden="true">⌄</span>
        </>
      }
      items={items}
    />
  );
}

function NavLink({ href, badge, children }: { href: string; badge?: number; children: ReactNode }) {
  const [path] = useLocation();
  const isTop = href === '/' || /^\/projects\/[^/]+$/.test(href);
  const isCurrent = path === href || (!isTop && path.startsWith(`${href}/`));
  return (
    <Link href={href} aria-current={isCurrent ? 'page' : undefined}>
      {children}
      {badge ? (
        <b className={styles.badge} aria-label={text.nav.problems(badge)}>
          {badge}
        </b>
      ) : null}
    </Link>
  );
}

function Navigation({ id }: { id: string | undefined }) {
  const { data: problems } = useQuery({ ...queries.problemEvents(id ?? ''), enabled: id !== undefined });
  const { data: isOperator } = useQuery({ ...queries.isOperator, enabled: hasScopes() });
  const [path] = useLocation();
  const nav = useRef<HTMLElement>(null);
  // On a phone the pages are beside each other.
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [path]);
  return (
    <nav ref={nav} className={styles.nav} aria-label={text.nav.label}>
      <NavLink href="/">{text.nav.home}</NavLink>
      {id !== undefined &&
        PROJECT_PAGES.map((page) => (
          <NavLink
            key={page}
            href={projectPath(id, page)}
            badge={page === 'events' && problems ? problems.failed + problems.unreadable : undefined}
          >
            {text.nav.pages[page]}
          </NavLink>
        ))}
      {isOperator && (
        <>
          <h2>{text.nav.platform}</h2>
          <NavLink href="/operator/projects">{text.nav.allProjects}</NavLink>
          <NavLink href="/operator/system">{text.nav.system}</NavLink>
        </>
      )}
    </nav>
  );
}

function Foot({ onPalette, onKeys }: { onPalette: () => void; onKeys: () => void }) {
  const [, go] = useLocation();
  const { data: account } = useQuery(queries.me);
  return (
    <div className={styles.foot}>
      <button type="button" onClick={onPalette}>
        <span>{text.nav.search}</span>{' '}
        <kbd>{/Mac|iP/.test(navigator.platform) ? '⌘K' : text.nav.searchKey}</kbd>
      </button>
      <Menu
        up
        label={
          <>
            <span>{account?.full_name ?? account?.email ?? text.nav.account}</span>
            <span aria-hidden="true">⌄</span>
          </>
        }
        items={[
          { key: 'account', label: text.nav.account, onSelect: () => go('/account') },
          { key: 'keys', label: text.nav.keys, onSelect: onKeys },
          {
            key: 'out',
            label: text.nav.signOut,
            onSelect: () => void signOut().then(() => queryClient.clear()),
          },
        ]}
      />
    </div>
  );
}

/** For pages before anybody is signed in. */
export function Narrow({
  title,
  about,
  children,
}: {
  title: string;
  about?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} – Tillkeeper`;
  }, [title]);
  return (
    <div className={styles.center}>
      <main>
        <div className={styles.brand}>
          <img src={icon} alt="" />
          Tillkeeper
        </div>
        <div className={styles.panel}>
          <div>
            <h1>{title}</h1>
            {about && <p className="sub">{about}</p>}
          </div>
          {children}
        </div>
      </main>
    </div>
  );
}

export const Links = ({ children }: { children: ReactNode }) => (
  <div className={styles.links}>{children}</div>
);
