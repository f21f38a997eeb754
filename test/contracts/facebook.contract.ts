import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONVERSATION_FIELDS, LEAD_FIELDS, USER_FIELDS } from '../../sources/facebook/mapping.js';
import { startFacebook } from '../../sources/facebook/stand-in/index.js';
import { leadForms } from '../../sources/stand-ins/seed-facebook.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { asList, asObject, contractFile, type Json } from './openapi.js';

/** The fields and edges of a kind of node. Meta publishes these lists instead of OpenAPI documents. */
interface Node {
  fields: ReadonlyMap<string, string>;
  edges: ReadonlyMap<string, { returns: string; parameters: ReadonlySet<string> }>;
}

function nodeOf(name: string): Node {
  const { fields, apis } = asObject(JSON.parse(readFileSync(contractFile('meta', `${name}.json`), 'utf8')));
  return {
    fields: new Map(
      asList(fields).map((item) => [String(asObject(item)['name']), String(asObject(item)['type'])]),
    ),
    edges: new Map(
      asList(apis)
        .map(asObject)
        .filter(({ method }) => method === 'GET')
        .map(({ endpoint, return: returns, params }) => [
          String(endpoint),
          {
            returns: String(returns),
            parameters: new Set(asList(params).map((item) => String(asObject(item)['name']))),
          },
        ]),
    ),
  };
}

const fits: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  int: Number.isInteger,
  'unsigned int': Number.isInteger,
  datetime: (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/.test(String(value)),
  'list<UserLeadGenFieldData>': Array.isArray,
  Object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

const nodes = { User: nodeOf('User'), Page: nodeOf('Page'), UnifiedThread: nodeOf('UnifiedThread') };
const more = { LeadgenForm: nodeOf('LeadgenForm'), Lead: nodeOf('Lead') };
const eva = createWorld({ customers: 0 }).people.find(
  ({ email }) => email === 'everywhere@example.nl',
)?.facebook;

let standIn: StandIn;
let page: string;
beforeAll(async () => {
  standIn = await startFacebook(createWorld({ customers: 30 }));
  page = standIn.settings(standIn.url)['FACEBOOK_PAGE_ID'] ?? '';
});
afterAll(() => standIn.close());

async function get(path: string): Promise<Json> {
  const { FACEBOOK_PAGE_TOKEN: token = '', FACEBOOK_APP_SECRET: secret = '' } = standIn.settings('');
  const proof = createHmac('sha256', secret).update(token).digest('hex');
  const answer = await fetch(`${standIn.url}/v23.0/${path}&appsecret_proof=${proof}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(200);
  return asObject(await answer.json());
}

/** Expects that every member is a field of the node, with its type. */
function expectNode({ fields }: Node, value: unknown): void {
  for (const [name, member] of Object.entries(asObject(value))) {
    const type = fields.get(name);
    expect(type, `the contract has no field ${name}`).toBeDefined();
    expect(fits[type ?? '']?.(member), `${name} is to be ${type ?? ''}`).toBe(true);
  }
}

/** Expects that the edge exists, and that it leads to nodes of this kind. */
async function expectEdge(
  { edges }: Node,
  { id, edge, returns, query }: { id: string; edge: string; returns: string; query: string },
): Promise<unknown[]> {
  expect(edges.get(edge)?.returns).toBe(returns);
  // Every edge has these members in addition to its own.
  const common = new Set(['fields', 'limit', 'after']);
  for (const name of new URLSearchParams(query).keys())
    expect(common.has(name) || edges.get(edge)?.parameters.has(name), name).toBe(true);
  const items = asList((await get(`${id}/${edge}?${query}`))['data']);
  expect(items.length).toBeGreaterThan(0);
  return items;
}

describe('Facebook', () => {
  test('returns a user with the fields of the specification', async () => {
    expectNode(nodes.User, await get(`${eva?.userId ?? ''}?fields=${USER_FIELDS}`));
  });

  test('returns the conversations of a page with their messages', async () => {
    const conversations = await expectEdge(nodes.Page, {
      id: page,
      edge: 'conversations',
      returns: 'UnifiedThread',
      query: `user_id=${eva?.userId ?? ''}&fields=${CONVERSATION_FIELDS}&limit=100`,
    });
    for (const conversation of conversations) expectNode(nodes.UnifiedThread, conversation);
    // The contract does not describe the fields of a UnifiedMessage.
    await expectEdge(nodes.UnifiedThread, {
      id: eva?.conversations[0]?.id ?? '',
      edge: 'messages',
      returns: 'UnifiedMessage',
      query: 'fields=id&limit=100',
    });
  });

  test('returns the forms of a page with their leads', async () => {
    const forms = await expectEdge(nodes.Page, {
      id: page,
      edge: 'leadgen_forms',
      returns: 'LeadgenForm',
      query: 'fields=id,name&limit=100',
    });
    for (const form of forms) expectNode(more.LeadgenForm, form);
    for (const { id } of leadForms) {
      const leads = await expectEdge(more.LeadgenForm, {
        id,
        edge: 'leads',
        returns: 'Lead',
        query: `fields=${LEAD_FIELDS}&limit=500`,
      });
      for (const lead of leads) expectNode(more.Lead, lead);
    }
  });
});
