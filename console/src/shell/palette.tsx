import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import * as queries from '../api/queries';
import { text } from '../text';
import { Field } from '../ui/controls';
import { Dialog } from '../ui/overlays';
import { PROJECT_PAGES, projectPath } from './paths';
import styles from './shell.module.css';
import { setTheme, THEMES } from './theme';

interface Command {
  name: string;
  about?: string;
  run: () => void;
}

const MAX_SHOWN = 30;

export function Palette({ projectId, onClose }: { projectId: string | undefined; onClose: () => void }) {
  return (
    <Dialog open light title={text.palette.title} onClose={onClose}>
      <Commands projectId={projectId} onClose={onClose} />
    </Dialog>
  );
}

function Commands({ projectId, onClose }: { projectId: string | undefined; onClose: () => void }) {
  const [, go] = useLocation();
  const { data: projects = [] } = useQuery(queries.projects);
  const [typed, setTyped] = useState('');
  const [index, setIndex] = useState(0);
  const id = useId();
  const list = useRef<HTMLUListElement>(null);

  const goTo = (name: string, path: string, about?: string): Command => ({
    name,
    about,
    run: () => go(path),
  });
  const commands: Command[] = [
    ...(projectId === undefined
      ? []
      : PROJECT_PAGES.map((page) =>
          goTo(text.nav.pages[page], projectPath(projectId, page), text.palette.thisProject),
        )),
    goTo(text.nav.home, '/'),
    ...projects.map(({ id, name }) => goTo(name, projectPath(id), text.palette.project)),
    goTo(text.nav.newProject, '/projects/new'),
    goTo(text.nav.account, '/account'),
    ...THEMES.map((theme) => ({
      name: text.themes[theme],
      about: text.palette.theme,
      run: () => setTheme(theme),
    })),
  ];
  const words = typed.toLowerCase().split(/\s+/);
  const found = commands
    .filter(({ name, about = '' }) => {
      const label = `${name} ${about}`.toLowerCase();
      return words.every((word) => label.includes(word));
    })
    .slice(0, MAX_SHOWN);
  const selected = Math.min(index, found.length - 1);

  useEffect(() => {
    list.current?.children[selected]?.scrollIntoView({ block: 'nearest' });
  }, [selected]);

  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') run(found[selected]);
    else if (event.key === 'ArrowDown') setIndex(Math.min(selected + 1, found.length - 1));
    else if (event.key === 'ArrowUp') setIndex(Math.max(selected - 1, 0));
    else return;
    event.preventDefault();
  };

  return (
    <div className={styles.palette}>
      <Field
        label={text.palette.label}
        type="search"
        role="combobox"
        aria-expanded
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${selected}` : undefined}
        value={typed}
        autoFocus
        onKeyDown={onKeyDown}
        onChange={({ target }) => {
          setTyped(target.value);
          setIndex(0);
        }}
      />
      <ul ref={list} id={`${id}-list`} role="listbox" aria-label={text.palette.title}>
        {found.map((command, position) => (
          <li
            key={`${position} ${command.name}`}
            id={`${id}-${position}`}
            role="option"
            aria-selected={position === selected}
            onClick={() => run(command)}
          >
            {command.name}
            {command.about && <small>{command.about}</small>}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="sub">{text.palette.nothing}</p>}
    </div>
  );
}

export function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open light title={text.keys.title} onClose={onClose}>
      <dl className={styles.keys}>
        {text.keys.list.map(([key, meaning]) => [
          <dt key={key}>
            <kbd>{key}</kbd>
          </dt>,
          <dd key={`${key}-meaning`}>{meaning}</dd>,
        ])}
      </dl>
    </Dialog>
  );
}
