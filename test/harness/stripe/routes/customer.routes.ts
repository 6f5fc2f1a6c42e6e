import type Stripe from 'stripe';
import type { Params } from '../params.js';
import { missing } from '../refusals.js';
import { type Call, list, retrieve, route } from '../router.js';
import { idOf } from '../resources.js';
import { cancel } from './subscription.routes.js';

const FIELDS = ['email', 'name', 'phone', 'description', 'metadata'];

export const customerRoutes = [
  route('POST', '/v1/customers', 'rak_customer_write', FIELDS, ({ data, params }) => {
    const customer = data.create('customer', { ...fieldsFrom(params), metadata: params.metadata() });
    data.record('customer.created', customer);
    return customer;
  }),
  list('customer', '/v1/customers', 'rak_customer_read', { email: ({ email }) => email }),
  { ...retrieve('customer', '/v1/customers', 'rak_customer_read'), answer: orDeleted },
  route('POST', '/v1/customers/:id', 'rak_customer_write', FIELDS, ({ data, params, id }) => {
    const customer = data.get('customer', id);
    return data.change('customer.updated', customer, {
      ...fieldsFrom(params),
      metadata: params.metadata(customer.metadata),
    });
  }),
  route('DELETE', '/v1/customers/:id', 'rak_customer_write', [], ({ data, id }) => {
    const customer = data.get('customer', id);
    for (const subscription of data.all('subscription'))
      if (idOf(subscription.customer) === id && subscription.status !== 'canceled')
        cancel(data, subscription);
    data.delete('customer', id);
    data.deletedCustomers.add(id);
    data.record('customer.deleted', customer);
    return deleted(id);
  }),
];

/** The customer of a call, named by its id or by the id of an account. */
export function customerFrom({ data, params }: Pick<Call, 'data' | 'params'>): Stripe.Customer | null {
  const param = params.has('customer_account') ? 'customer_account' : 'customer';
  const id = params.text(param);
  // Each parameter accepts only ids of its kind.
  if (id !== undefined && id.startsWith('acct_') !== (param === 'customer_account'))
    throw missing('customer', id, param);
  return id === undefined ? null : data.get('customer', id, param);
}

function orDeleted({ data, id }: Call): Stripe.Customer | Stripe.DeletedCustomer {
  return data.deletedCustomers.has(id) ? deleted(id) : data.get('customer', id);
}

const deleted = (id: string): Stripe.DeletedCustomer => ({ id, object: 'customer', deleted: true });

function fieldsFrom(params: Params): Partial<Stripe.Customer> {
  const sent = ['email', 'name', 'phone', 'description'].filter((name) => params.has(name));
  return Object.fromEntries(sent.map((name) => [name, params.nullable(name)]));
}
