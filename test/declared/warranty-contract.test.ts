import type { StandIn } from '../../sources/stand-ins/world.js';
import { describeSource } from '../../src/testing/source-contract.js';
import { expect } from 'vitest';
import { startServer } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { ownFaultControl } from './own-fault-control.js';
import { answerAsWarranty, compiled, REGISTRATIONS, WARRANTY_SETTINGS } from './warranty.js';

const { source, sdl } = compiled();

async function startWarranty(): Promise<StandIn> {
  const server = await startServer(answerAsWarranty);
  return {
    name: 'warranty',
    url: server.url,
    close: () => server.close(),
    settings: (front) => ({ WARRANTY_URL: front, ...WARRANTY_SETTINGS }),
  };
}

const byEmail = (email: string, fields = 'warranty { number cover }') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: { email } },
});
const byId = (registrationId: string, fields = 'warranty { number cover }') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: { registrationId } },
});
const first = { customer: { warranty: { number: 'R00000001', cover: 'BASIC' } } };
const row = (change: object) => ({ data: [{ ...REGISTRATIONS[0], ...change }] });
const emails = REGISTRATIONS.map(({ owner }) => owner.mail);

describeSource(
  {
    source,
    dependencies: { sdl: { warranty: sdl }, environment: {} },
    found: {
      'e-mail address': { ...byEmail('owner1@example.nl'), data: first },
      'its own number': { ...byId('R00000001'), data: first },
    },
    unknown: {
      'an e-mail address': { ...byEmail('nobody@example.nl'), data: { customer: null } },
      'a number': { ...byId('R99999999'), data: { customer: null } },
    },
    batches: {
      'thirty customers, twice': {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { warranty { number } } }',
        variables: { by: [...emails, ...emails].map((email) => ({ email })) },
        // The system accepts twenty addresses at once.
        calls: 2,
        expectData: (data) => {
          const numbers = REGISTRATIONS.map(({ number }) => ({ warranty: { number } }));
          expect(data).toEqual({ customers: [...numbers, ...numbers] });
        },
      },
    },
    pages: {
      ...byEmail('owner1@example.nl', 'warranty { repairs(first: 5) { nodes { code } } }'),
      data: {
        customer: {
          warranty: { repairs: { nodes: [4, 3, 2, 1, 0].map((i) => ({ code: `R00000001-${i}` })) } },
        },
      },
      calls: 4,
    },
    operation: byEmail('owner1@example.nl'),
    wrongCredentials: { WARRANTY_TOKEN: 'a-wrong-token' },
    byAnyText: {
      'an e-mail address': (text) => ({ ...byEmail(text), nothing: { customer: null } }),
      'a number': (text) => ({ ...byId(text), nothing: { customer: null } }),
    },
    http: {
      urlVariable: 'WARRANTY_URL',
      paths: /^\/v1\/registrations(\?owner=[^&#/]*|\/R\d{8})$/,
      nothing: ({ url }) => (url.includes('?') ? { body: { data: [] } } : { status: 404, body: null }),
      rateLimit: { body: null, headers: { 'retry-after': '30' }, retryAfter: 30 },
      mismatches: [
        { answer: () => ({ data: 'secret' }), place: 'data', value: 'secret' },
        { answer: () => ({ data: ['secret'] }), place: 'data', value: 'secret' },
        { answer: () => row({ number: { secret: 1 } }), place: 'data.number', value: 'secret' },
        { answer: () => row({ owner: 'secret' }), place: 'data.owner', value: 'secret' },
        { answer: () => row({ cover: { code: 'secret' } }), place: 'data.cover.code', value: 'secret' },
        { answer: () => row({ ends: '31-02-2030' }), place: 'data.ends', value: '31-02-2030' },
        {
          answer: () => ({ data: [{ ...REGISTRATIONS[1], number: 'R00000777' }] }),
          place: 'not requested',
          value: 'R00000777',
        },
      ],
      partial: {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { warranty { number } } }',
        variables: { by: emails.slice(0, 3).map((email) => ({ email })) },
        answer: () => ({ body: { data: [{ ...REGISTRATIONS[2], cover: { code: 'Z' } }, REGISTRATIONS[0]] } }),
        data: { customers: [{ warranty: { number: 'R00000001' } }, null, null] },
        errors: [{ path: ['customers', 2], code: 'SOURCE_CONTRACT' }],
      },
    },
  },
  { faultControl: () => ownFaultControl(startWarranty), createGateway: createTestGateway },
);
