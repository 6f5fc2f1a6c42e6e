import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import * as queries from '../../api/queries';
import type { Schema } from '../../api/types';
import { projectPath, subscriptionPath } from '../../shell/paths';
import { useMode } from '../../shell/address';
import { useProject } from '../../shell/project';
import { text } from '../../text';
import { dayOf, money } from '../../text/format';
import { Ago } from '../../ui/ago';
import { Card, CardBody, Empty, Facts, Note, Page, Timeline } from '../../ui/content';
import { ButtonLink, CopyButton, ExternalLink } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { Table } from '../../ui/table';
import { Amount, paymentColumns, Status } from './lists';
import { EventTimeline } from './timeline';

const dashboard = (kind: 'payments' | 'subscriptions', id: string, isTest: boolean) =>
  `https://dashboard.stripe.com/${isTest ? 'test/' : ''}${kind}/${id}`;

function Id({ id }: { id: string }) {
  return (
    <>
      <code>{id}</code> <CopyButton value={id} label={text.money.copyId} />
    </>
  );
}

function Missing() {
  const { id } = useProject();
  return (
    <Empty
      title={text.money.missing}
      action={<ButtonLink href={projectPath(id, 'money')}>{text.nav.pages.money}</ButtonLink>}
    >
      {text.money.missingAbout}
    </Empty>
  );
}

export function Payment() {
  const { id } = useProject();
  const { object = '' } = useParams<{ object: string }>();
  const [mode] = useMode();
  const query = useQuery(queries.payments(id, { test_mode: mode === 'test', payment_intent_id: object }));
  return (
    <Page title={text.money.payment} about={<Id id={object} />}>
      <Loaded query={query} lines={8}>
        {({ payments: [payment] }) =>
          payment ? (
            <>
              <PaymentCard payment={payment} />
              <EventTimeline objectId={object} mode={mode} />
            </>
          ) : (
            <Missing />
          )
        }
      </Loaded>
    </Page>
  );
}

function PaymentCard({ payment }: { payment: Schema<'StripePaymentResponse'> }) {
  const { currency, is_test_mode } = payment;
  return (
    <Card
      mode={is_test_mode ? 'test' : 'live'}
      title={payment.description ?? text.money.payment}
      aside={<Status status={payment.status} />}
      foot={
        <ExternalLink href={dashboard('payments', payment.payment_intent_id, is_test_mode)}>
          {text.money.openStripe}
        </ExternalLink>
      }
    >
      <CardBody>
        <Facts
          facts={[
            [text.money.amount, <Amount key="amount" payment={payment} />],
            [text.money.refunded, money(payment.refunded_amount_cents, currency)],
            [
              text.money.dispute,
              payment.dispute_status && (text.disputes[payment.dispute_status] ?? payment.dispute_status),
            ],
            [text.money.user, payment.user_id],
            [text.money.customer, payment.customer_id],
            [
              text.money.subscription,
              payment.subscription_id && <PaidSubscription key="sub" payment={payment} />,
            ],
            [text.money.source, text.money.sources[payment.source]],
            [text.money.created, <Ago key="created" at={payment.created_at} />],
            [text.money.updated, <Ago key="updated" at={payment.updated_at} />],
          ]}
        />
      </CardBody>
    </Card>
  );
}

/** A payment has our id of its subscription, and the page of a subscription has Stripe's id in its address. */
function PaidSubscription({ payment }: { payment: Schema<'StripePaymentResponse'> }) {
  const { id } = useProject();
  const { is_test_mode, subscription_id, customer_id } = payment;
  const filter = { test_mode: is_test_mode, customer_id: customer_id ?? undefined, page_size: 100 };
  const { data } = useQuery(queries.subscriptions(id, filter));
  const paid = data?.subscriptions.find((each) => each.id === subscription_id);
  return paid ? (
    <Link className="link" href={subscriptionPath(id, paid.subscription_id, is_test_mode)}>
      {paid.plan_name ?? paid.subscription_id}
    </Link>
  ) : (
    subscription_id
  );
}

export function Subscription() {
  const { id } = useProject();
  const { object = '' } = useParams<{ object: string }>();
  const [mode] = useMode();
  const query = useQuery(queries.subscriptions(id, { test_mode: mode === 'test', subscription_id: object }));
  return (
    <Page title={text.money.subscription} about={<Id id={object} />}>
      <Loaded query={query} lines={8}>
        {({ subscriptions: [subscription] }) =>
          subscription ? (
            <>
              <SubscriptionCard subscription={subscription} />
              <EventTimeline objectId={object} mode={mode} />
              <PaymentsOf subscription={subscription} />
            </>
          ) : (
            <Missing />
          )
        }
      </Loaded>
    </Page>
  );
}

function PaymentsOf({ subscription }: { subscription: Schema<'StripeSubscriptionResponse'> }) {
  const { id } = useProject();
  const filter = { test_mode: subscription.is_test_mode, subscription_id: subscription.id, page_size: 100 };
  const query = useQuery(queries.payments(id, filter));
  return (
    <Card title={text.money.lists.payments}>
      <Loaded query={query} lines={3}>
        {({ payments }) =>
          payments.length === 0 ? (
            <Empty title={text.money.none.payments}>{text.money.noneAbout}</Empty>
          ) : (
            <Table
              label={text.money.lists.payments}
              columns={paymentColumns(id)}
              items={payments}
              keyOf={(item) => item.id}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

function SubscriptionCard({ subscription }: { subscription: Schema<'StripeSubscriptionResponse'> }) {
  const { is_test_mode, current_period_start, current_period_end, pause } = subscription;
  const milestones = [
    [subscription.created_at, text.money.created],
    [current_period_start, text.money.periodStart],
    [current_period_end, text.money.periodEnd],
    [subscription.cancel_at, text.money.willCancel],
    [subscription.cancelled_at, text.money.cancelled],
    [pause?.resumes_at, text.money.resumes],
  ]
    .filter((milestone): milestone is [string, string] => Boolean(milestone[0]))
    .sort(([one], [other]) => one.localeCompare(other));
  return (
    <Card
      mode={is_test_mode ? 'test' : 'live'}
      title={subscription.plan_name ?? text.money.subscription}
      aside={<Status status={subscription.status} />}
      foot={
        <ExternalLink href={dashboard('subscriptions', subscription.subscription_id, is_test_mode)}>
          {text.money.openStripe}
        </ExternalLink>
      }
    >
      <CardBody>
        <div className="stack">
          {subscription.account_mismatch && <Note tone="warn">{text.money.otherAccount}</Note>}
          <div className="cols">
            <Facts
              facts={[
                [text.money.quantity, subscription.quantity],
                [text.money.user, subscription.user_id],
                [text.money.customer, subscription.customer_id],
                [text.money.updated, <Ago key="updated" at={subscription.updated_at} />],
              ]}
            />
            <Timeline>
              {milestones.map(([at, name]) => (
                <li key={name}>
                  {name}
                  <div className="sub">{dayOf(at)}</div>
                </li>
              ))}
            </Timeline>
          </div>
        </div>
      </CardBody>
    </Card>
  );
}
