import { useQuery } from '@tanstack/react-query';
import { PERMISSIONS_OF, permissionName } from '../../../../src/payments/stripe/permissions';
import * as queries from '../../api/queries';
import { MODES } from '../../api/types';
import { text } from '../../text';
import { Card, CardBody } from '../../ui/content';
import { ExternalLink } from '../../ui/controls';

const ALL = [...new Set(Object.values(PERMISSIONS_OF).flat())];
/** Write includes read. */
const NEEDED = ALL.filter(
  (permission) =>
    permission.endsWith('_write') || !(ALL as string[]).includes(permission.replace(/_read$/, '_write')),
);

/** Stripe's page for a restricted key, with name and permissions filled in. */
function restrictedKeyUrl(mode: 'test' | 'live', name: string): string {
  const url = new URL(`https://dashboard.stripe.com/${mode === 'test' ? 'test/' : ''}apikeys/create`);
  url.searchParams.set('name', name);
  for (const permission of NEEDED) url.searchParams.append('permissions[]', permission);
  return url.href;
}

export function RestrictedKey() {
  const { data: server } = useQuery(queries.serverInfo);
  return (
    <Card title={text.restricted.title}>
      <CardBody>
        <div className="stack">
          <p>{text.restricted.about}</p>
          <ul>
            {NEEDED.map(permissionName)
              .sort()
              .map((name) => (
                <li key={name}>{name}</li>
              ))}
          </ul>
          {server?.accepts_restricted_keys ? (
            <div className="row">
              {MODES.map((mode) => (
                <ExternalLink key={mode} button href={restrictedKeyUrl(mode, server.platform.name)}>
                  {text.restricted.open(text.mode.of[mode])}
                </ExternalLink>
              ))}
            </div>
          ) : (
            <p className="sub">
              {text.restricted.off} <code>STRIPE_ACCEPT_RESTRICTED_KEYS=true</code>
            </p>
          )}
        </div>
      </CardBody>
    </Card>
  );
}
