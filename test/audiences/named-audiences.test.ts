import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-audiences-'));
const audience = (name: string, where: string, more = '') =>
  `query ${name} {\n  audience(where: ${where}) { nodes { id } }${more}\n}\n`;
const files = {
  'frequent.graphql': audience('FrequentBuyers', '{ orderCount: { atLeast: 3 } }'),
  'same.graphql': audience('FrequentBuyers', '{ orderCount: { atLeast: 4 } }'),
  'syntax.graphql': 'query Broken {\n  audience(\n',
  'unknown.graphql': audience('Unknown', '{ shoeSize: { atLeast: 3 } }', '\n  nothing'),
  'unlisted.graphql': audience('Unlisted', '{ not: { orderCount: { atLeast: 3 } } }'),
  'incomplete.graphql': audience('Incomplete', '{ orderCount: {} }'),
  'variable.graphql':
    'query Variable($n: Int!) { audience(where: { orderCount: { atLeast: $n } }) { nodes { id } } }',
  'paged.graphql':
    'query Paged { audience(where: { orderCount: { atLeast: 3 } }, first: 5) { nodes { id } } }',
  'nameless.graphql': '{ audience(where: { orderCount: { atLeast: 3 } }) { nodes { id } } }',
  'other.graphql': 'query Other { customer(by: { email: "a@example.nl" }) { id } }',
};
for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);

const lines: { problem?: string }[] = [];
const logger = pino(
  { level: 'error' },
  { write: (line: string) => void lines.push(JSON.parse(line) as { problem?: string }) },
);
const gateway = createTestGateway(
  { ...directSettings(), ...CALLER_SETTINGS, IDENTITY_PATIENCE_MS: '20000' },
  {
    audiences: pathToFileURL(`${folder}/`),
    logger,
  },
);
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

const Answer = z.object({
  data: z
    .object({
      audience: z
        .object({
          nodes: z.array(z.object({ id: z.string() })),
          pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string() }),
        })
        .nullish(),
      audiencePlan: z.object({ listedBy: z.array(z.string()) }).nullish(),
    })
    .nullish(),
  errors: z.array(z.object({ message: z.string() })).optional(),
});

async function send(query: string, variables: object = {}) {
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await headersOf('operator')) },
    body: JSON.stringify({ query, variables }),
  });
  return Answer.parse(await response.json());
}

const PAGE = `query Page($where: AudienceCondition, $name: String, $after: String) {
  audience(where: $where, name: $name, after: $after, first: 5) { nodes { id } pageInfo { hasNextPage endCursor } }
}`;

describe('a named audience', () => {
  test('has the customers of its condition, also on the next page', async () => {
    const first = (await send(PAGE, { name: 'FrequentBuyers' })).data?.audience;
    expect(first?.nodes).toHaveLength(5);
    const where = { orderCount: { atLeast: 3 } };
    const written = (await send(PAGE, { where })).data?.audience;
    expect(written?.nodes).toEqual(first?.nodes);
    // The cursor belongs to the condition, whether it has a name or is written.
    const after = first?.pageInfo.endCursor;
    const next = (await send(PAGE, { name: 'FrequentBuyers', after })).data?.audience;
    expect(next?.nodes).toEqual((await send(PAGE, { where, after })).data?.audience?.nodes);
    expect(next?.nodes[0]).not.toEqual(first?.nodes[0]);
  });

  test('has a plan', async () => {
    const { data } = await send('{ audiencePlan(name: "FrequentBuyers") { listedBy } }');
    expect(data?.audiencePlan).toEqual({ listedBy: ['orderCount'] });
  });

  test.each([
    [{ name: 'FrequentBuyer' }, 'There is no audience with this name. Did you mean "FrequentBuyers"?'],
    [{}, 'Give either "where" or "name" of an audience.'],
    [{ name: 'FrequentBuyers', where: { orderCount: { atLeast: 3 } } }, 'Give either "where" or "name"'],
  ])('is refused for %j', async (variables, message) => {
    const { errors } = await send(PAGE, variables);
    expect(errors?.[0]?.message).toContain(message);
  });

  test('with a mistake is left out at start, and all mistakes are logged with file and line', () => {
    expect(lines.map(({ problem = '' }) => problem.slice(folder.length + 1))).toEqual([
      expect.stringMatching(/^incomplete\.graphql line 1: The comparison of "orderCount" is not complete/),
      'nameless.graphql line 1: the file must hold one query, with the name of the audience.',
      'other.graphql line 1: the query must select the field "audience" alone.',
      'paged.graphql line 1: an audience has the argument "where" alone.',
      'same.graphql line 1: the audience "FrequentBuyers" is in frequent.graphql too. Choose another name.',
      expect.stringMatching(/^syntax\.graphql line 3: Syntax Error/),
      expect.stringMatching(/^unknown\.graphql line 2: Field "shoeSize" is not defined/),
      expect.stringMatching(/^unknown\.graphql line 3: Cannot query field "nothing"/),
      expect.stringMatching(/^unlisted\.graphql line 1: No system can list these customers/),
      'variable.graphql line 1: the query has variables. Write the values in the file.',
    ]);
  });
});
