import {
  defineLoader,
  mismatchesOf,
  SourceContractError,
  type CustomerRecord,
  type GraphqlClient,
} from '../../src/index.js';
import { toCustomer, toGid } from './mapping.js';
import { shopifyCustomer, type ShopifyCustomer } from './wire.js';

/** A customer by identifier costs two points of the 1,000 that a query may cost. A larger batch would be slow. */
const MAX_BATCH = 250;

const FIELDS = `fragment fields on Customer {
  id firstName lastName email phone locale updatedAt
  defaultAddress { address1 zip city countryCodeV2 }
}`;

type Field = 'id' | 'emailAddress' | 'phoneNumber';

/** Whether a customer has the requested identifier. Shopify returns an address in the case in which it was entered. */
const HAS: Readonly<Record<Field, (customer: ShopifyCustomer, value: string) => boolean>> = {
  id: ({ id }, value) => id === value,
  emailAddress: ({ email }, value) => email?.trim().toLowerCase() === value.toLowerCase(),
  phoneNumber: ({ phone }, value) => phone?.replace(/[^\d+]/g, '') === value,
};

/** Shopify finds one customer by one identifier. The lookups of a batch are one request, under aliases. */
async function findCustomers(
  shopify: GraphqlClient,
  field: Field,
  values: readonly string[],
): Promise<(readonly CustomerRecord[] | Error)[]> {
  const declared = values.map((_, i) => `$v${i}: CustomerIdentifierInput!`).join(', ');
  const selected = values
    .map((_, i) => `c${i}: customerByIdentifier(identifier: $v${i}) { ...fields }`)
    .join(' ');
  const variables = Object.fromEntries(values.map((value, i) => [`v${i}`, { [field]: value }]));
  const { data, errors } = await shopify.query(`query(${declared}) { ${selected} }\n${FIELDS}`, variables);
  return values.map((value, i) => {
    const alias = `c${i}`;
    const found = data?.[alias];
    if (found == null) return errors.find(({ path }) => path[0] === alias)?.error ?? [];
    const customer = shopifyCustomer.safeParse(found);
    if (customer.success) {
      if (HAS[field](customer.data, value)) return [toCustomer(customer.data)];
      return new SourceContractError('webshop', 'webshop answered with another customer.');
    }
    const mismatches = mismatchesOf(
      customer.error.issues.map((issue) => ({ ...issue, path: ['customerByIdentifier', ...issue.path] })),
    );
    return new SourceContractError(
      'webshop',
      `webshop sent an answer of another shape, at: ${mismatches.map(({ path }) => path).join(', ')}.`,
      { received: { mismatches } },
    );
  });
}

const customersBy = (field: Field, toVendor: (value: string) => string = (value) => value) =>
  defineLoader<GraphqlClient, string, readonly CustomerRecord[]>({
    name: `customersBy ${field}`,
    maxBatch: MAX_BATCH,
    load: (values, shopify) => findCustomers(shopify, field, values.map(toVendor)),
  });

export const customersById = customersBy('id', toGid);
export const customersByEmail = customersBy('emailAddress');
export const customersByPhone = customersBy('phoneNumber');
