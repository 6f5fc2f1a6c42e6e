import { type ReactNode, useEffect, useId, useState } from 'react';
import { translated } from '../api/errors';
import type { Mode } from '../api/types';
import { EXAMPLES, slipOf } from '../pages/stripe/fields';
import { useModeIcon } from '../shell/mode-icon';
import { text } from '../text';
import { language } from '../text/language';
import { Note, Skeleton, State, Tag } from '../ui/content';
import content from '../ui/content.module.css';
import { Button, classes, ExternalLink, Field, Form, FormError } from '../ui/controls';
import { useBrand } from './brand';
import styles from './connect.module.css';
import * as link from './link';

/** What the link turned out to be. */
type Found = { page: link.Page } | { refusal: link.Refusal } | { error: unknown };

const foundBy = (error: unknown): Found => {
  const refusal = link.refusalOf(error);
  return refusal ? { refusal } : { error };
};

/** The page of a link on which a tenant connects Stripe. */
export function Connect() {
  const [found, setFound] = useState<Found>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const keep = (next: Found) => {
      if (!stop.signal.aborted) setFound(next);
    };
    link.read(stop.signal).then(
      (page) => keep({ page }),
      (error: unknown) => keep(foundBy(error)),
    );
    return () => stop.abort();
  }, [round]);
  if (found === undefined)
    return (
      <Frame title={text.connect.title}>
        <Skeleton lines={8} />
      </Frame>
    );
  if ('page' in found) return <Open page={found.page} onRefused={(refusal) => setFound({ refusal })} />;
  if ('refusal' in found)
    return (
      <Frame title={text.connect.refused[found.refusal]}>
        <div className={styles.result} role="alert">
          <p>{text.connect.refusedAbout[found.refusal]}</p>
        </div>
      </Frame>
    );
  const tryAgain = () => {
    setFound(undefined);
    setRound(round + 1);
  };
  return (
    <Frame title={text.failed.title}>
      <div className={styles.result} role="alert">
        <p>{link.explain(found.error)}</p>
        <Button onClick={tryAgain}>{text.failed.retry}</Button>
      </div>
    </Frame>
  );
}

/** The control that had the focus is gone. */
const focus = (heading: HTMLElement | null) => heading?.focus();

function Frame({
  title,
  isResult = false,
  above,
  about,
  platform,
  mode,
  children,
}: {
  title: string;
  /** Whether it replaces what the reader has just worked on. */
  isResult?: boolean;
  above?: string;
  about?: ReactNode;
  platform?: string;
  mode?: Mode;
  children: ReactNode;
}) {
  const id = useId();
  useEffect(() => {
    document.title = platform === undefined ? title : `${title} – ${platform}`;
  }, [title, platform]);
  return (
    <main className={styles.page}>
      <section className={classes(content.card, mode && content[mode])} aria-labelledby={id}>
        <div className={styles.head}>
          {above && <p className="sub">{above}</p>}
          <h1 id={id} tabIndex={isResult ? -1 : undefined} ref={isResult ? focus : undefined}>
            {title}
          </h1>
          {about && <div className={styles.about}>{about}</div>}
        </div>
        {children}
      </section>
    </main>
  );
}

function Open({ page, onRefused }: { page: link.Page; onRefused: (refusal: link.Refusal) => void }) {
  const { platform, project_name: project, mode } = page;
  const [completion, setCompletion] = useState<link.Completion>();
  useBrand(platform.color);
  useModeIcon(mode);
  const about = (
    <>
      <span>{text.connect.project(project)}</span>
      <Tag tone={mode === 'test' ? 'warn' : 'off'}>{text.mode.of[mode]}</Tag>
    </>
  );
  const frame = { platform: platform.name, mode, about };
  if (completion)
    return (
      <Frame {...frame} isResult title={text.connect.done}>
        <Done page={page} completion={completion} />
      </Frame>
    );
  const onDone = (result: link.Completion) => {
    setCompletion(result);
    finish(page, result);
  };
  return (
    <Frame {...frame} above={text.connect.asks(platform.name)} title={text.connect.title}>
      <Steps page={page} onDone={onDone} onRefused={onRefused} />
      <div className={styles.foot}>
        {' '}
        <div className={content.foot}>
          <span>{text.connect.until(untilOf(page.expires_at))}</span>
          <details className={styles.details}>
            <summary>{text.connect.stored}</summary>
            <p>{text.connect.storedAbout}</p>
          </details>
        </div>
      </div>
    </Frame>
  );
}

/** The time, with the day if it is another one. */
function untilOf(at: string): string {
  const end = new Date(at);
  const isToday = end.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(language, {
    timeStyle: 'short',
    ...(!isToday && { dateStyle: 'medium' }),
  }).format(end);
}

const isFramed = ({ embed_origin: embedder }: link.Page) => embedder !== null && window.parent !== window;

const leave = (url: string) => location.replace(url);

/** Tells the page around this one, or goes back to the platform if nothing is left to read. */
function finish(page: link.Page, completion: link.Completion): void {
  if (!isFramed(page)) {
    if (completion.endpoint_problem === null) leave(completion.return_url);
    return;
  }
  if (page.embed_origin !== null)
    window.parent.postMessage(
      { type: 'tillkeeper:connected', mode: page.mode, ...completion },
      page.embed_origin,
    );
}

function Done({ page, completion }: { page: link.Page; completion: link.Completion }) {
  const { name } = page.platform;
  const problem = completion.endpoint_problem;
  return (
    <div className={styles.result}>
      {problem !== null && (
        <Note title={text.connect.noEndpoint}>
          {translated(problem)} {text.connect.noEndpointAbout(name)}
        </Note>
      )}
      {isFramed(page) ? (
        <p>{text.connect.goesOn(name)}</p>
      ) : (
        <>
          <p>{problem === null ? text.connect.leaving(name) : text.connect.keyStored}</p>
          <Button kind="primary" onClick={() => leave(completion.return_url)}>
            {text.connect.back(name)}
          </Button>
        </>
      )}
    </div>
  );
}

function Step({
  number,
  done = false,
  title,
  children,
}: {
  number: number;
  done?: boolean;
  title: string;
  children: ReactNode;
}) {
  return (
    <li className={classes(styles.step, done && styles.done)}>
      <i aria-hidden="true">{done ? '✓' : number}</i>
      <div>
        <h2>{title}</h2>
        {children}
      </div>
    </li>
  );
}

function Steps({
  page,
  onDone,
  onRefused,
}: {
  page: link.Page;
  onDone: (completion: link.Completion) => void;
  onRefused: (refusal: link.Refusal) => void;
}) {
  const { mode, platform, restricted_key_url: restrictedKeyUrl } = page;
  const isRestricted = restrictedKeyUrl !== null;
  const [typed, setTyped] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const key = typed.trim();
  const slip = key === '' ? undefined : slipOf(key, mode, 'secret_key');
  const check = useLiveCheck(slip === undefined && key.length >= MIN_LENGTH ? key : '', onRefused);
  const isAccepted = check.verdict?.valid === true;
  const connect = async () => {
    if (!isAccepted || isBusy) return;
    setBusy(true);
    setFailure(undefined);
    try {
      onDone(await link.complete(key));
    } catch (error) {
      const refusal = link.refusalOf(error);
      if (refusal) onRefused(refusal);
      else setFailure(error);
      setBusy(false);
    }
  };
  return (
    <Form onSubmit={() => void connect()}>
      <ol className={styles.steps}>
        <Step number={1} done={isAccepted} title={isRestricted ? text.connect.create : text.connect.find}>
          <p className="sub">{isRestricted ? text.connect.createAbout : text.connect.findAbout[mode]}</p>
          <ExternalLink button href={restrictedKeyUrl ?? KEYS_AT_STRIPE[mode]}>
            {text.connect.open}
          </ExternalLink>
          {isRestricted && (
            <details className={styles.details}>
              <summary>{text.connect.permissions(page.permissions.length)}</summary>
              <ul className={styles.list}>
                {page.permissions.map((name) => (
                  <li key={name}>{name}</li>
                ))}
              </ul>
            </details>
          )}
        </Step>
        <Step number={2} done={isAccepted} title={text.connect.paste}>
          <div className={styles.wide}>
            <Field
              label={isRestricted ? text.connect.restrictedKey : text.stripe.kinds.secret_key}
              placeholder={isRestricted ? `rk_${mode}_…` : EXAMPLES.secret_key(mode)}
              mono
              autoCapitalize="none"
              readOnly={isBusy}
              value={typed}
              error={slip && slip !== 'incomplete' ? text.stripe.slips[slip](text.mode.of[mode]) : undefined}
              hint={<Verdict check={check} />}
              onChange={({ target }) => {
                setTyped(target.value);
                setFailure(undefined);
              }}
            />
            {check.error !== undefined && (
              <Button small onClick={check.again}>
                {text.failed.retry}
              </Button>
            )}
          </div>
        </Step>
        <Step number={3} title={text.connect.connectTitle}>
          <p className="sub">{text.connect.connectAbout(platform.name)}</p>
          <FormError>{failure !== undefined && link.explain(failure)}</FormError>
          <Button type="submit" kind="primary" busy={isBusy} disabled={!isAccepted}>
            {failure === undefined ? text.connect.connect : text.failed.retry}
          </Button>
        </Step>
      </ol>
    </Form>
  );
}

const KEYS_AT_STRIPE: Record<Mode, string> = {
  test: 'https://dashboard.stripe.com/test/apikeys',
  live: 'https://dashboard.stripe.com/apikeys',
};

const PAUSE_MS = 600;
/** Shorter values can't be keys. */
const MIN_LENGTH = 16;

type Checked = { key: string; verdict?: link.Verdict; error?: unknown };

/** Asks Stripe about the key once the reader stops typing. */
function useLiveCheck(key: string, onRefused: (refusal: link.Refusal) => void) {
  const [checked, setChecked] = useState<Checked>();
  const isCurrent = key !== '' && checked?.key === key;
  useEffect(() => {
    if (key === '' || isCurrent) return;
    const stop = new AbortController();
    const keep = (next: Omit<Checked, 'key'>) => {
      if (stop.signal.aborted) return;
      const refusal = link.refusalOf(next.error);
      if (refusal) onRefused(refusal);
      else setChecked({ key, ...next });
    };
    const timer = setTimeout(() => {
      link.check(key, stop.signal).then(
        (verdict) => keep({ verdict }),
        (error: unknown) => keep({ error }),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, isCurrent, onRefused]);
  return {
    isChecking: key !== '' && !isCurrent,
    verdict: isCurrent ? checked.verdict : undefined,
    error: isCurrent ? checked.error : undefined,
    again: () => setChecked(undefined),
  };
}

function Verdict({ check: { isChecking, verdict, error } }: { check: ReturnType<typeof useLiveCheck> }) {
  return (
    <span role="status" className={styles.verdict}>
      {isChecking ? (
        <State tone="off">{text.connect.checking}</State>
      ) : verdict ? (
        <State tone={verdict.valid ? 'good' : 'bad'}>
          {verdict.valid ? text.connect.accepted(verdict.account_name) : translated(verdict.message)}
        </State>
      ) : error !== undefined ? (
        <State tone="warn">{link.explain(error)}</State>
      ) : null}
    </span>
  );
}
