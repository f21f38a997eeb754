import { z } from 'zod';
import { alignOne, SourceContractError, type GraphqlClient } from '../../src/index.js';
import { fromGid, toGid } from './mapping.js';

/**
 * Reads selected fields of customers. A customer that does not exist is null. `selection` is the selection of `Customer`, with
 * its id.
 */
export async function readCustomers<T>(
  shopify: GraphqlClient,
  customerIds: readonly string[],
  { selection, customer: expected }: { selection: string; customer: z.ZodType<T> },
): Promise<(T | null | Error)[]> {
  const { data, errors } = await shopify.query(
    `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { ${selection} } } }`,
    { ids: customerIds.map(toGid) },
  );
  const nodes = z.array(z.unknown()).safeParse(data?.nodes).data;
  if (nodes === undefined) throw errors[0]?.error ?? mismatch();
  const customers = nodes.map((node, i) => ({
    id: fromGid(idOf(node)),
    node,
    error: errors.find(({ path }) => path[1] === i)?.error,
  }));
  // A node that failed as a whole has no id, so every missing customer may be the failed one: none counts as unknown.
  const nameless = customers.find(({ id, error }) => id === '' && error !== undefined)?.error;
  // A customer that does not exist is null.
  const there = customers.filter(({ node }) => node != null);
  return alignOne(customerIds, there, { source: 'webshop', keyOf: ({ id }) => id }).map((found) => {
    if (found === null) return nameless ?? null;
    const customer = expected.safeParse(found.node);
    return found.error ?? (customer.success ? customer.data : mismatch());
  });
}

function idOf(node: unknown): unknown {
  return typeof node === 'object' && node !== null && 'id' in node ? node.id : undefined;
}

function mismatch(): SourceContractError {
  return new SourceContractError('webshop', 'webshop sent an answer of another shape, at: nodes.');
}
