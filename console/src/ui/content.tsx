import { type ReactNode, useEffect } from 'react';
import type { Mode } from '../api/types';
import { text } from '../text';
import styles from './content.module.css';
import { classes } from './controls';

export function Page({
  title,
  about,
  actions,
  children,
}: {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} – Tillkeeper`;
  }, [title]);
  return (
    <div className={styles.page}>
      <div className={styles.top}>
        <div>
          <h1>{title}</h1>
          {about && <p className="sub">{about}</p>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

export function Card({
  title,
  aside,
  foot,
  mode,
  children,
}: {
  title: string;
  aside?: ReactNode;
  foot?: ReactNode;
  /** The mode whose colour the edge has. */
  mode?: Mode;
  children?: ReactNode;
}) {
  return (
    <section className={classes(styles.card, mode && styles[mode])} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
      {foot && <div className={styles.foot}>{foot}</div>}
    </section>
  );
}

export const CardBody = ({ children }: { children: ReactNode }) => (
  <div className={styles.body}>{children}</div>
);

export const Rows = ({ children }: { children: ReactNode }) => <ul className={styles.rows}>{children}</ul>;

export function Row({ title, note, actions }: { title: ReactNode; note?: ReactNode; actions?: ReactNode }) {
  return (
    <li>
      <div>
        <div className={styles.rowTitle}>{title}</div>
        {note && <div className={styles.rowNote}>{note}</div>}
      </div>
      {actions && <div className="row">{actions}</div>}
    </li>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'off';

/** A dot and words: colour never speaks alone. */
export const State = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span className={classes(styles.state, styles[tone])}>{children}</span>
);

export const Tag = ({
  tone = 'off',
  children,
  title,
}: {
  tone?: Tone;
  children: ReactNode;
  title?: string;
}) => (
  <span className={classes(styles.tag, tone !== 'off' && styles[tone])} title={title}>
    {children}
  </span>
);

export function Note({
  tone = 'warn',
  title,
  action,
  children,
}: {
  tone?: 'warn' | 'bad' | 'info';
  title?: string;
  action?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div
      className={classes(styles.note, tone === 'bad' && styles.noteBad, tone === 'info' && styles.noteInfo)}
      role={tone === 'bad' ? 'alert' : undefined}
    >
      <p>
        {title && <strong>{children && !/[.:?!]$/.test(title) ? `${title}.` : title}</strong>} {children}
      </p>
      {action}
    </div>
  );
}

/** Teaches the next step. */
export function Empty({
  title,
  action,
  children,
}: {
  title: string;
  action?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className={styles.empty}>
      <h3>{title}</h3>
      {children && <p>{children}</p>}
      {action && <div>{action}</div>}
    </div>
  );
}

export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div className={styles.skeleton} role="status">
      <span className="hidden">{text.loading}</span>
      {Array.from({ length: lines }, (_, index) => (
        <i key={index} />
      ))}
    </div>
  );
}

export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => [
        <dt key={`${name}-name`}>{name}</dt>,
        <dd key={name}>{value ?? '–'}</dd>,
      ])}
    </dl>
  );
}

export interface Figure {
  name: string;
  value: ReactNode;
  note?: ReactNode;
}

export function Figures({ figures }: { figures: readonly Figure[] }) {
  return (
    <div className={styles.kpis}>
      {figures.map(({ name, value, note }) => (
        <dl key={name} className={classes(styles.card, styles.kpi)}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          {note && <dd>{note}</dd>}
        </dl>
      ))}
    </div>
  );
}

export const Timeline = ({ children }: { children: ReactNode }) => (
  <ol className={styles.timeline}>{children}</ol>
);

export const Pre = ({ children, label }: { children: ReactNode; label: string }) => (
  <pre className={styles.pre} tabIndex={0} aria-label={label}>
    {children}
  </pre>
);
