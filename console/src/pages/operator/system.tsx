import { useQuery } from '@tanstack/react-query';
import * as queries from '../../api/queries';
import { text } from '../../text';
import { Card, CardBody, Facts, Page, State } from '../../ui/content';
import { ButtonLink } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';

export function System() {
  const ready = useQuery(queries.readiness);
  const server = useQuery(queries.serverInfo);
  return (
    <Page title={text.nav.system} about={text.system.about}>
      <div className="cols">
        <Card title={text.system.server}>
          <CardBody>
            <Loaded query={ready} lines={3}>
              {({ change_notifications }) => (
                <Facts
                  facts={[
                    [
                      text.system.state,
                      <State key="state" tone="good">
                        {text.system.ready}
                      </State>,
                    ],
                    [
                      text.system.notifications,
                      <State key="notifications" tone={change_notifications === 'arriving' ? 'good' : 'warn'}>
                        {text.system.notificationStates[change_notifications]}
                      </State>,
                    ],
                    [text.system.version, server.data?.version],
                  ]}
                />
              )}
            </Loaded>
          </CardBody>
        </Card>
        <Card title={text.system.projects}>
          <CardBody>
            <p>{text.system.projectsAbout}</p>
            <div className="row">
              <ButtonLink href="/operator/projects?health=unhealthy">
                {text.operator.healths.unhealthy}
              </ButtonLink>
              <ButtonLink href="/operator/projects?health=unverified">
                {text.operator.healths.unverified}
              </ButtonLink>
            </div>
          </CardBody>
        </Card>
      </div>
    </Page>
  );
}
