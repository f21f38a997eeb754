import { readFileSync } from 'node:fs';
import { buildClientSchema, graphql, GraphQLError, type IntrospectionQuery } from 'graphql';
import { z } from 'zod';
import { sendJson, startServer, type SmallServer } from '../../../src/testing/small-server.js';
import { contractFile } from '../openapi.js';
import type { RefusedSystem } from './nine-system.js';

/** The Customer Account API of Shopify: it answers about the customer whose token is sent, and has no other customers. */

const TOKEN = 'shcat_0a1b2c3d4e5f';
const PATH = '/account/customer/api/2025-01/graphql';

const customer = { id: 'gid://shopify/Customer/7210398471', firstName: 'Sanne', lastName: 'Jansen' };
/** The token of a consumer may not read companies. */
const company = () => {
  throw new GraphQLError('Access denied for company field.', { extensions: { code: 'ACCESS_DENIED' } });
};

const Request = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).optional() });
const queryIn = (body: string) => Request.parse(JSON.parse(body)).query;

function startShopify(): Promise<SmallServer> {
  const text = readFileSync(contractFile('shopify', 'customer-account.introspection.json'), 'utf8');
  const schema = buildClientSchema(JSON.parse(text) as IntrospectionQuery);
  return startServer((request, response) => {
    if (request.headers.authorization !== TOKEN && request.headers.authorization !== `Bearer ${TOKEN}`) {
      sendJson(response, { errors: [{ message: 'Invalid access token.' }] }, { status: 401 });
      return;
    }
    const { query: source, variables: variableValues } = Request.parse(JSON.parse(request.body));
    const rootValue = { customer, company };
    void graphql({ schema, source, variableValues, rootValue }).then((result) => {
      sendJson(response, result);
    });
  });
}

/**
 * Each customer has a token of their own, and the API answers about its owner. A gateway has no such token, so the right answer is
 * a refusal with this reason: the field `customer` returns what the credentials may see. A company is for business customers.
 */
export const shopifySystem: RefusedSystem = {
  source: 'shopify-account',
  because:
    /customer returns a person and is not used: it has no argument, so it returns what the credentials may see/,
  start: async () => {
    const server = await startShopify();
    return {
      what: `${server.url}${PATH}`,
      environment: { SHOPIFY_ACCOUNT_TOKEN: TOKEN },
      settings: {},
      // A GraphQL query is a POST.
      counts: () => {
        const others = server.seen.filter(({ body }) => /^\s*mutation\b/.test(queryIn(body))).length;
        return { reads: server.seen.length - others, others };
      },
      close: () => server.close(),
    };
  },
};
