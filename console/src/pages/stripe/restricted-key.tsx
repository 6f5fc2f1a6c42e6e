import { useQuery } from '@tanstack/react-query';
import { neededPermissions, restrictedKeyUrl } from '../../../../src/payments/stripe/permissions';
import * as queries from '../../api/queries';
import { MODES } from '../../api/types';
import { text } from '../../text';
import { Card, CardBody } from '../../ui/content';
import styles from '../../ui/content.module.css';
import { ExternalLink } from '../../ui/controls';

export function RestrictedKey() {
  const { data: server } = useQuery(queries.serverInfo);
  return (
    <Card title={text.restricted.title}>
      <CardBody>
        <div className="stack">
          <p>{text.restricted.about}</p>
          <ul className={styles.columns}>
            {neededPermissions().map((name) => (
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
