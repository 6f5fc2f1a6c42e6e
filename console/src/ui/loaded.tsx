import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ApiError, messageOf } from '../api/errors';
import { text } from '../text';
import { Empty, Note, Skeleton } from './content';
import { Button, ButtonLink } from './controls';

/** What a screen shows while its data is loading, when that failed, and when the caller may not see it. */
export function Loaded<Data>({
  query,
  lines,
  skeleton,
  children,
}: {
  query: UseQueryResult<Data>;
  lines?: number;
  skeleton?: ReactNode;
  children: (data: Data) => ReactNode;
}) {
  const { data, error, isPending, isFetching, refetch } = query;
  if (isPending) return skeleton ?? <Skeleton lines={lines} />;
  if (data === undefined) return <Failed error={error} busy={isFetching} onRetry={() => void refetch()} />;
  return (
    <>
      {error && <Stale error={error} busy={isFetching} onRetry={() => void refetch()} />}
      {children(data)}
    </>
  );
}

interface FailedProps {
  error: unknown;
  busy: boolean;
  onRetry: () => void;
}

export function Failed({ error, busy, onRetry }: FailedProps) {
  if (error instanceof ApiError && error.status === 403)
    return <Empty title={text.failed.forbidden}>{error.message}</Empty>;
  if (error instanceof ApiError && error.status === 404)
    return (
      <Empty title={text.failed.notFound} action={<ButtonLink href="/">{text.nav.home}</ButtonLink>}>
        {error.message}
      </Empty>
    );
  return (
    <Empty
      title={text.failed.title}
      action={
        <>
          <Button busy={busy} onClick={onRetry}>
            {text.failed.retry}
          </Button>
          <CopyReport error={error} />
        </>
      }
    >
      {messageOf(error)}
    </Empty>
  );
}

/** Old data stays on the screen. */
function Stale({ error, busy, onRetry }: FailedProps) {
  return (
    <Note
      title={text.failed.stale}
      action={
        <Button busy={busy} onClick={onRetry}>
          {text.failed.retry}
        </Button>
      }
    >
      {messageOf(error)}
    </Note>
  );
}

function CopyReport({ error }: { error: unknown }) {
  const [copied, setCopied] = useState(false);
  const { status, requestId } =
    error instanceof ApiError ? error : { status: undefined, requestId: undefined };
  const report = [
    location.href,
    new Date().toISOString(),
    `status ${status ?? '–'}`,
    `request ${requestId ?? '–'}`,
    error instanceof Error ? error.message : '',
  ].join('\n');
  return (
    <Button
      kind="quiet"
      onClick={() => void navigator.clipboard.writeText(report).then(() => setCopied(true))}
    >
      {copied ? text.copied : text.failed.copyReport}
    </Button>
  );
}
