import { isPerson } from '../../api/session';
import { useAddress } from '../../shell/address';
import { useMay, useProject } from '../../shell/project';
import { text } from '../../text';
import { Page } from '../../ui/content';
import { Segments } from '../../ui/controls';
import { ConnectLinks } from './connect-links';
import { Destinations } from './destinations';
import { GatewayKeys } from './gateway-keys';
import { Members } from './members';
import { Notifications } from './notifications';
import { ServiceAccounts } from './service-accounts';

type Tab = 'people' | 'machines' | 'gateway' | 'destinations' | 'links';

export function Access() {
  const { role } = useProject();
  const may = useMay();
  const [wanted, setTab] = useAddress<Tab>('tab', 'people');
  const tabs: Tab[] = [
    'people',
    ...(may('service-accounts:write') ? (['machines'] as const) : []),
    ...(may('gateway-keys:write') ? (['gateway'] as const) : []),
    ...(may('event-destinations:write') ? (['destinations'] as const) : []),
    ...(may('connect-links:write') ? (['links'] as const) : []),
  ];
  const tab = tabs.includes(wanted) ? wanted : 'people';
  // Viewers get no mails. A service account has no address.
  const isMailed = role !== 'viewer' && may('notifications:write') && isPerson();
  return (
    <Page
      title={text.nav.pages.access}
      about={text.access.about[tab]}
      actions={
        tabs.length > 1 && (
          <Segments
            label={text.access.tab}
            value={tab}
            options={tabs.map((key) => [key, text.access.tabs[key]] as const)}
            onChange={setTab}
          />
        )
      }
    >
      {tab === 'people' && (
        <>
          <Members />
          {isMailed && <Notifications />}
        </>
      )}
      {tab === 'machines' && <ServiceAccounts />}
      {tab === 'gateway' && <GatewayKeys />}
      {tab === 'destinations' && <Destinations />}
      {tab === 'links' && <ConnectLinks />}
    </Page>
  );
}
