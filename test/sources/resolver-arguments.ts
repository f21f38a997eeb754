import type { Context, Customer } from '../../src/customer/customer.js';

/** A context whose loaders return what `read` returns. */
export const contextWith = (read: (loader: string, key: never) => unknown) =>
  ({
    load: ({ name }: { name: string }, key: never) => Promise.resolve(read(name, key)),
  }) as unknown as Context;

/** A customer with ids and records in one source. */
export const customerWith = (ids: readonly string[], records: readonly unknown[] = []) =>
  ({
    identifiers: () => Promise.resolve(ids),
    records: () => Promise.resolve(records),
    identity: { start: { namespace: 'email', value: 'an@example.nl' } },
  }) as unknown as Customer;
