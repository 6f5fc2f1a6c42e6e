import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import * as queries from '../../api/queries';
import type { Mode, Schema } from '../../api/types';
import { useAddress, usePage } from '../../shell/address';
import { paymentPath, subscriptionPath } from '../../shell/paths';
import { useProject } from '../../shell/project';
import { text } from '../../text';
import { dayOf, money } from '../../text/format';
import { Ago } from '../../ui/ago';
import { Card, Empty, Tag, type Tone } from '../../ui/content';
import { Button, Choice, Field, Filters, Segments } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { type Column, Pager, Table } from '../../ui/table';

type Payment = Schema<'StripePaymentResponse'>;
type Subscription = Schema<'StripeSubscriptionResponse'>;

const LISTS = ['payments', 'subscriptions'] as const;
type List = (typeof LISTS)[number];

function toneOf(status: string): Tone {
  if (['succeeded', 'active', 'trialing'].includes(status)) return 'good';
  if (['past_due', 'unpaid', 'requires_payment_method', 'incomplete_expired'].includes(status)) return 'bad';
  if (['partially_refunded', 'refunded', 'paused', 'incomplete', 'requires_action'].includes(status))
    return 'warn';
  return 'off';
}

export const Status = ({ status }: { status: string }) => (
  <Tag tone={toneOf(status)} title={status}>
    {text.statuses[status] ?? status}
  </Tag>
);

const Who = ({ user_id, customer_id }: { user_id: string | null; customer_id: string | null }) => {
  const who = user_id ?? customer_id ?? '';
  return <code title={who}>{text.people.subject(who)}</code>;
};

export const Amount = ({ payment }: { payment: Payment }) => (
  <>
    {money(payment.amount_cents, payment.currency)}
    {payment.refunded_amount_cents > 0 && (
      <span className="sub"> − {money(payment.refunded_amount_cents, payment.currency)}</span>
    )}
  </>
);

export function paymentColumns(project: string): Column<Payment>[] {
  return [
    {
      name: text.money.payment,
      cell: (payment) => (
        <Link className="link" href={paymentPath(project, payment.payment_intent_id, payment.is_test_mode)}>
          {payment.description ?? payment.payment_intent_id}
        </Link>
      ),
    },
    { name: text.money.status, cell: ({ status }) => <Status status={status} /> },
    { name: text.money.who, cell: (payment) => <Who {...payment} /> },
    { name: text.money.when, cell: ({ created_at }) => <Ago at={created_at} /> },
    { name: text.money.amount, isNumber: true, cell: (payment) => <Amount payment={payment} /> },
  ];
}

function subscriptionColumns(project: string): Column<Subscription>[] {
  return [
    {
      name: text.money.plan,
      cell: ({ plan_name, subscription_id, is_test_mode }) => (
        <Link className="link" href={subscriptionPath(project, subscription_id, is_test_mode)}>
          {plan_name ?? subscription_id}
        </Link>
      ),
    },
    { name: text.money.status, cell: ({ status }) => <Status status={status} /> },
    { name: text.money.who, cell: (subscription) => <Who {...subscription} /> },
    { name: text.money.quantity, isNumber: true, cell: ({ quantity }) => quantity },
    {
      name: text.money.until,
      isNumber: true,
      cell: ({ current_period_end, cancel_at }) =>
        cancel_at ? text.money.cancels(dayOf(cancel_at)) : current_period_end && dayOf(current_period_end),
    },
  ];
}

export function MoneyLists({ mode }: { mode: Mode }) {
  const { id } = useProject();
  const [list, setList] = useAddress<List>('list', 'payments');
  const [status, setStatus] = useAddress('status', '');
  const [user, setUser] = useAddress('user', '');
  const [customer, setCustomer] = useAddress('customer', '');
  const [page, setPage] = usePage();
  const isPayments = list !== 'subscriptions';
  const query = {
    test_mode: mode === 'test',
    page,
    page_size: queries.PAGE_SIZE,
    status: status || undefined,
    user_id: user || undefined,
    customer_id: customer || undefined,
  };
  const payments = useQuery({ ...queries.payments(id, query), enabled: isPayments });
  const subscriptions = useQuery({ ...queries.subscriptions(id, query), enabled: !isPayments });
  const shown = isPayments ? payments : subscriptions;
  const isFiltered = Boolean(status || user || customer);
  const empty = (
    <Empty
      title={isFiltered ? text.money.noMatch : text.money.none[isPayments ? 'payments' : 'subscriptions']}
      action={
        isFiltered && (
          <Button
            onClick={() => {
              setStatus('');
              setUser('');
              setCustomer('');
            }}
          >
            {text.money.clear}
          </Button>
        )
      }
    >
      {!isFiltered && text.money.noneAbout}
    </Empty>
  );
  return (
    <>
      <Filters>
        <Segments
          label={text.money.list}
          value={isPayments ? 'payments' : 'subscriptions'}
          options={LISTS.map((key) => [key, text.money.lists[key]] as const)}
          onChange={(next) => {
            setList(next);
            setStatus('');
          }}
        />
        <Choice
          label={text.money.status}
          value={status}
          options={[
            ['', text.events.any] as const,
            ...text.money.filterStatuses[isPayments ? 'payments' : 'subscriptions'].map(
              (key) => [key, text.statuses[key] ?? key] as const,
            ),
          ]}
          onChange={setStatus}
        />
        <SearchField label={text.money.user} value={user} onChange={setUser} />
        <SearchField label={text.money.customer} value={customer} onChange={setCustomer} />
      </Filters>
      <Card
        mode={mode}
        title={text.money.lists[isPayments ? 'payments' : 'subscriptions']}
        foot={
          shown.data &&
          shown.data.total > 0 && (
            <Pager
              page={page}
              pageSize={queries.PAGE_SIZE}
              total={shown.data.total}
              isExact={shown.data.total_is_exact}
              onPage={setPage}
            />
          )
        }
      >
        {isPayments ? (
          <Loaded query={payments} lines={8}>
            {({ payments: items }) =>
              items.length === 0 ? (
                empty
              ) : (
                <Table
                  label={text.money.lists.payments}
                  columns={paymentColumns(id)}
                  items={items}
                  keyOf={(item) => item.id}
                />
              )
            }
          </Loaded>
        ) : (
          <Loaded query={subscriptions} lines={8}>
            {({ subscriptions: items }) =>
              items.length === 0 ? (
                empty
              ) : (
                <Table
                  label={text.money.lists.subscriptions}
                  columns={subscriptionColumns(id)}
                  items={items}
                  keyOf={(item) => item.id}
                />
              )
            }
          </Loaded>
        )}
      </Card>
    </>
  );
}

/** Asks the server when the reader leaves the field or presses Enter, not at each letter. */
function SearchField({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  const [from, setFrom] = useState(value);
  if (from !== value) {
    setFrom(value);
    setTyped(value);
  }
  return (
    <Field
      label={label}
      type="search"
      value={typed}
      onChange={({ target }) => setTyped(target.value)}
      onBlur={() => onChange(typed.trim())}
      onKeyDown={({ key }) => key === 'Enter' && onChange(typed.trim())}
    />
  );
}
