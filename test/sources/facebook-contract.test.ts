import { describe, expect, inject } from 'vitest';
import { z } from 'zod';
import { facebook } from '../../sources/facebook/index.js';
import { startFacebook } from '../../sources/facebook/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { SeenRequest } from '../connectors/server.js';
import { listAt } from '../support/read.js';
import { knownPeople } from './known-people.js';
import { describeSource } from './source-contract.js';

const world = createWorld({ customers: inject('customers') });
const people = world.people.flatMap((person) =>
  person.facebook === undefined ? [] : [{ ...person, facebook: person.facebook }],
);
const eva = people.find(({ email }) => email === 'everywhere@example.nl');
const [conversation] = eva?.facebook.conversations ?? [];
if (eva === undefined || conversation === undefined)
  throw new Error('The seed data of Facebook has too few records.');

/** Another system, which holds the addresses by which leads are found. */
const known = knownPeople({ [eva.email]: {}, 'without@example.nl': {} });

const by = (key: object, fields = 'name') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const noCustomer = { customer: null };
const messages = Array.from({ length: 250 }, (_, i) => ({
  id: `m_${String(i).padStart(4, '0')}`,
  byCustomer: true,
  text: `message ${i}`,
  createdAt: new Date(Date.UTC(2026, 8, 1, 0, i)).toISOString(),
}));

const batch = z.object({ batch: z.array(z.object({ relative_url: z.string() })) });
/** An answer to each request of a batch, by the requested id. */
const eachOf = ({ body }: SeenRequest, answerOf: (id: string) => { code: number; body: unknown } | null) =>
  batch.parse(JSON.parse(body)).batch.map(({ relative_url: url }) => {
    const answer = answerOf(url.split('?')[0] ?? '');
    return answer && { code: answer.code, body: JSON.stringify(answer.body) };
  });
const graphError = (code: number) => ({ error: { message: 'jan@example.nl', type: 'OAuthException', code } });

describe('Facebook', () => {
  describeSource({
    source: facebook,
    dependencies: { sources: [known.source], sdl: known.sdl, environment: known.environment },
    found: {
      'the page-scoped id of a person': {
        ...by({ facebookUserId: eva.facebook.userId }),
        data: { customer: { name: 'Eva van der Meer' } },
      },
      'an address on a form': {
        ...by({ email: eva.email }, 'formSubmissions(first: 100) { nodes { recordId } }'),
        data: {
          customer: {
            formSubmissions: {
              nodes: eva.facebook.leads
                .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id))
                .map(({ id }) => ({ recordId: id })),
            },
          },
        },
      },
    },
    unknown: {
      'an id': { ...by({ facebookUserId: '9812345' }), data: noCustomer },
      'an address': {
        ...by({ email: 'without@example.nl' }, 'formSubmissions { nodes { recordId } }'),
        data: { customer: { formSubmissions: { nodes: [] } } },
      },
    },
    batches: {
      // The calls are identification and the conversations, fifty at once.
      'all people with conversations': {
        query:
          'query($by: [CustomerKey!]!) { customers(by: $by) { facebookProfile { conversations(first: 100) { nodes { recordId } } } } }',
        variables: { by: people.map(({ facebook }) => ({ facebookUserId: facebook.userId })) },
        calls: 2 * Math.ceil(people.length / 50),
        expectData: (data) => {
          expect(
            listAt(data, 'customers').map((_, i) =>
              listAt(data, 'customers', i, 'facebookProfile', 'conversations', 'nodes'),
            ),
          ).toEqual(
            people.map(({ facebook }) =>
              facebook.conversations
                .toSorted((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt))
                .map(({ id }) => ({ recordId: id })),
            ),
          );
        },
      },
    },
    pages: {
      startStandIn: () =>
        startFacebook({
          ...world,
          people: [{ ...eva, facebook: { ...eva.facebook, conversations: [{ ...conversation, messages }] } }],
        }),
      ...by(
        { facebookUserId: eva.facebook.userId },
        'facebookProfile { conversations { nodes { messages(first: 100) { nodes { recordId } } } } }',
      ),
      data: {
        customer: {
          facebookProfile: {
            conversations: {
              nodes: [
                {
                  messages: {
                    nodes: messages
                      .toReversed()
                      .slice(0, 100)
                      .map(({ id }) => ({ recordId: id })),
                  },
                },
              ],
            },
          },
        },
      },
      // The calls are the profile, the conversation, and three pages of messages. One page is empty.
      calls: 5,
    },
    operation: by({ facebookUserId: eva.facebook.userId }),
    wrongCredentials: { FACEBOOK_PAGE_TOKEN: 'a-wrong-token', FACEBOOK_APP_SECRET: 'a-wrong-secret' },
    byAnyText: {
      'an id': (text) => ({ ...by({ facebookUserId: text }), nothing: noCustomer }),
      'an address': (text) => ({
        ...by({ email: text }, 'formSubmissions { nodes { recordId } }'),
        nothing: noCustomer,
      }),
    },
    http: {
      urlVariable: 'FACEBOOK_URL',
      basePath: '/v23.0',
      // The requests are in the body.
      paths: /^\/\?appsecret_proof=[0-9a-f]{64}$/,
      nothing: (request) => ({ body: eachOf(request, () => ({ code: 400, body: graphError(803) })) }),
      // Meta sends the time to wait in minutes, and an error with a code but without a separate status.
      rateLimit: {
        status: 400,
        body: graphError(80_006),
        headers: {
          'x-business-use-case-usage': '{"42":[{"type":"messenger","estimated_time_to_regain_access":1}]}',
        },
        retryAfter: 60,
      },
      mismatches: [
        { answer: () => ({ data: 'jan@example.nl' }), place: '(top)', value: 'jan@example.nl' },
        {
          answer: (request) => eachOf(request, (id) => ({ code: 200, body: { id, name: 17 } })),
          place: 'name',
          value: '17',
        },
        {
          answer: (request) =>
            eachOf(request, () => ({ code: 200, body: { id: '4711', name: 'jan@example.nl' } })),
          place: 'not requested',
          value: 'jan@example.nl',
        },
      ],
      // The first part has an answer, the second was not finished in time, and the third has an unknown id.
      partial: {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { name } }',
        variables: { by: ['1001', '1002', '1003'].map((facebookUserId) => ({ facebookUserId })) },
        answer: (request) => ({
          body: eachOf(request, (id) => {
            if (id === '1002') return null;
            return id === '1001'
              ? { code: 200, body: { id, name: 'Jan' } }
              : { code: 400, body: graphError(803) };
          }),
        }),
        data: { customers: [{ name: 'Jan' }, null, null] },
        errors: [{ path: ['customers', 1], code: 'SOURCE_UNAVAILABLE' }],
      },
    },
  });
});
