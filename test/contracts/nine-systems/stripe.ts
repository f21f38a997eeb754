import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { sendJson, startServer, type SmallServer } from '../../../src/testing/small-server.js';
import { stripe } from '../../connect/suggest/systems/finance.js';
import { contractFile } from '../openapi.js';
import type { NineSystem } from './nine-system.js';
import { emailOf, readsOf, recordsOf, type Json } from './rows.js';

/** The API of Stripe for customers: a list that continues after the last id. */

const PATH = '/v1/customers';
const TOKEN = 'sk_test_0aa11bb22cc33dd44';

const Fixtures = z.object({ resources: z.object({ customer: z.record(z.string(), z.unknown()) }) });

function customersOf(): Json[] {
  const file = contractFile('stripe', 'fixtures3.json');
  const { customer } = Fixtures.parse(JSON.parse(readFileSync(file, 'utf8'))).resources;
  return recordsOf(stripe, 'StripeCustomer', 30, (i) => ({
    ...{ id: `cus_Q7x${String(10_000_000 + i * 7919)}Yz`, email: emailOf(i) },
    phone: `+316${24_571_903 + i * 31_337}`,
  })).map((record) => ({ ...customer, discount: null, ...record }));
}

function startStripe(): Promise<SmallServer> {
  const customers = customersOf();
  return startServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://api');
    const refuse = (status: number, message: string) => {
      sendJson(response, { error: { type: 'invalid_request_error', message } }, { status });
    };
    const limit = Number(searchParams.get('limit') ?? 10);
    const email = searchParams.get('email');
    const after = searchParams.get('starting_after');
    if (request.headers.authorization !== `Bearer ${TOKEN}`) refuse(401, 'Invalid API Key provided.');
    else if (request.method !== 'GET' || pathname !== PATH) refuse(404, 'Unrecognized request URL.');
    else if (!(limit >= 1 && limit <= 100)) refuse(400, 'This value must be less than or equal to 100.');
    else {
      // The search for an e-mail address is case-sensitive.
      const found = customers.filter((customer) => email === null || customer['email'] === email);
      const from = after === null ? 0 : found.findIndex(({ id }) => id === after) + 1;
      sendJson(response, {
        ...{ object: 'list', url: PATH, data: found.slice(from, from + limit) },
        has_more: from + limit < found.length,
      });
    }
  });
}

/** The contract has no description of the calls. A curl command shows the search by e-mail, which takes one address. */
export const stripeSystem: NineSystem = {
  right: stripe,
  identity: ['found by email (usual)', 'yields phone at phone (shown)'],
  calls: { byEmail: { page: { lastId: 'id', as: 'starting_after' } } },
  query: {
    text: '{ customer(by: { email: "sanne.11@voorbeeldpost.nl" }) { stripe { name addressCity } } }',
    data: { customer: { stripe: { name: 'Sanne Jansen', addressCity: 'Utrecht' } } },
  },
  start: async () => {
    const server = await startStripe();
    return {
      what: '-',
      standardInput:
        `curl -G ${server.url}${PATH} -u ${TOKEN}: -d email=sanne.11@voorbeeldpost.nl -d limit=3`.replace(
          `-u ${TOKEN}:`,
          `-H 'Authorization: Bearer ${TOKEN}'`,
        ),
      settings: { STRIPE_URL: server.url, STRIPE_TOKEN: TOKEN },
      counts: () => readsOf(server),
      close: () => server.close(),
    };
  },
};
