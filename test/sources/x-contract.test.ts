import { describe, expect, inject } from 'vitest';
import { organisationOnX } from '../../sources/stand-ins/seed-x.js';
import { worldNow } from '../../sources/stand-ins/seed-time.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { x } from '../../sources/x/index.js';
import { startX } from '../../sources/x/stand-in/index.js';
import { hostileKeys } from '../connectors/contract.js';
import { listAt } from '../support/read.js';
import { knownPeople } from './known-people.js';
import { describeSource } from './source-contract.js';

const world = createWorld({ customers: inject('customers') });
const onX = world.people.flatMap((person) => (person.x === undefined ? [] : [{ ...person, x: person.x }]));
const eva = onX.find(({ email }) => email === 'everywhere@example.nl');
if (eva === undefined) throw new Error('X does not know everywhere@example.nl.');

/** Another system, which holds the usernames of customers. X itself does not identify customers. */
const usernames: Record<string, string> = {
  ...Object.fromEntries(onX.map(({ email, x: account }) => [email, account.username])),
  'gone@example.nl': 'nobody_here',
  'jan@example.nl': 'jan',
  'bea@example.nl': 'bea',
  'broken@example.nl': 'broken',
};
const withText = new Map(
  Object.values(hostileKeys).map((text, i) => [text, `text-${i}@example.nl`] as const),
);
const known = knownPeople(
  Object.fromEntries(
    [...Object.entries(usernames), ...[...withText].map(([text, email]) => [email, text] as const)].map(
      ([email, value]) => [email, { identifiers: [{ namespace: 'xUsername', value }] }],
    ),
  ),
  { xUsername: 'shown' },
);

const by = (email: string, fields = 'recordId') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { xProfile { ${fields} } } }`,
  variables: { by: { email } },
});
const nothing = { customer: { xProfile: null } };

const posts = Array.from({ length: 150 }, (_, i) => ({
  id: String(1_980_000_000_000_000_000n - BigInt(i)),
  text: `@${organisationOnX} nummer ${i}`,
  likes: i,
  replies: 0,
  createdAt: new Date(Date.parse(worldNow) - (i + 1) * 60_000).toISOString(),
}));
const sevenDaysAgo = Date.parse(worldNow) - 7 * 86_400_000;

describe('X', () => {
  describeSource({
    source: x,
    dependencies: { sources: [known.source], sdl: known.sdl, environment: known.environment },
    found: {
      'the username that another system holds': {
        ...by(eva.email, 'recordId username'),
        data: { customer: { xProfile: { recordId: eva.x.userId, username: eva.x.username } } },
      },
    },
    unknown: { 'a username': { ...by('gone@example.nl'), data: nothing } },
    batches: {
      // The calls load a hundred accounts, and the posts of twenty accounts each.
      'all customers with an account': {
        query:
          'query($by: [CustomerKey!]!) { customers(by: $by) { xProfile { recordId mentions(first: 100) { nodes { recordId } } } } }',
        variables: { by: onX.map(({ email }) => ({ email })) },
        calls: Math.ceil(onX.length / 100) + Math.ceil(onX.length / 20),
        expectData: (data) => {
          expect(listAt(data, 'customers')).toEqual(
            onX.map(({ x: account }) => ({
              xProfile: {
                recordId: account.userId,
                mentions: {
                  nodes: account.posts
                    .filter(
                      ({ text, createdAt }) =>
                        text.includes(`@${organisationOnX}`) && Date.parse(createdAt) >= sevenDaysAgo,
                    )
                    .map(({ id }) => ({ recordId: id })),
                },
              },
            })),
          );
        },
      },
    },
    pages: {
      startStandIn: () => startX({ ...world, people: [{ ...eva, x: { ...eva.x, posts } }] }),
      ...by(eva.email, 'mentions(first: 100) { nodes { recordId } }'),
      data: {
        customer: {
          xProfile: { mentions: { nodes: posts.slice(0, 100).map(({ id }) => ({ recordId: id })) } },
        },
      },
      // The calls load the account, and two pages of a hundred posts. The search mixes the posts of all accounts.
      calls: 3,
    },
    operation: by(eva.email),
    wrongCredentials: { X_BEARER_TOKEN: 'a-wrong-token' },
    byAnyText: {
      'the username that another system holds': (text) => ({ ...by(withText.get(text) ?? ''), nothing }),
    },
    http: {
      urlVariable: 'X_URL',
      paths: /^\/2\/users\/by\?usernames=\w{1,15}&user\.fields=[\w%]+$/,
      nothing: () => ({
        body: { errors: [{ type: 'https://api.x.com/2/problems/resource-not-found', value: 'x' }] },
      }),
      // X sends the end of its rate-limit window.
      rateLimit: {
        body: { title: 'Too Many Requests', status: 429 },
        get headers() {
          return {
            'x-rate-limit-remaining': '0',
            'x-rate-limit-reset': String(Math.floor(Date.now() / 1_000) + 600),
          };
        },
        retryAfter: 600,
      },
      mismatches: [
        { answer: () => ({ data: 'jan@example.nl' }), place: 'data', value: 'jan@example.nl' },
        {
          answer: () => ({ data: [{ id: 'jan@example.nl', username: eva.x.username }] }),
          place: 'data.0.id',
          value: 'jan@example.nl',
        },
        {
          answer: () => ({ data: [{ id: '1', username: '../jan' }] }),
          place: 'data.0.username',
          value: '../jan',
        },
      ],
      // X returns the first account, fails to read the second, and does not know the third.
      partial: {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { xProfile { recordId } } }',
        variables: { by: ['jan', 'broken', 'bea'].map((name) => ({ email: `${name}@example.nl` })) },
        answer: () => ({
          body: {
            data: [{ id: '12', username: 'Jan' }],
            errors: [
              { type: 'https://api.x.com/2/problems/internal-error', value: 'broken' },
              { type: 'https://api.x.com/2/problems/resource-not-found', value: 'bea' },
            ],
          },
        }),
        data: { customers: [{ xProfile: { recordId: '12' } }, { xProfile: null }, { xProfile: null }] },
        errors: [{ path: ['customers', 1, 'xProfile'], code: 'SOURCE_UNAVAILABLE' }],
      },
    },
  });
});
