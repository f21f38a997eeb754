import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { audienceMembers, type AudienceMembersOptions } from '../../src/bulk/audience-members.js';

/** An audience of `count` members, whose pages are read by `after`. `errors` are the first answers. */
function members(count: number, errors: GraphQLError[] = []) {
  const requested: unknown[] = [];
  const waits: number[] = [];
  const options = {
    runner: {
      answer: (_: unknown, { variables }: { variables: { after: string | null } }) => {
        requested.push(variables.after);
        const error = errors.shift();
        if (error !== undefined) return Promise.resolve({ result: { errors: [error] } });
        const from = Number(variables.after ?? 0);
        const nodes = Array.from({ length: Math.min(100, count - from) }, (__, i) => ({
          id: String(from + i),
        }));
        const end = from + nodes.length;
        const pageInfo = { hasNextPage: end < count, endCursor: String(end) };
        return Promise.resolve({ result: { data: { audience: { nodes, pageInfo } } } });
      },
    },
    principal: { permissions: { seesMasked: false } },
    wait: (ms: number) => {
      waits.push(ms);
      return Promise.resolve();
    },
  } as unknown as AudienceMembersOptions;
  return { groups: audienceMembers('Buyers', options), requested, waits };
}

const sizeOf = (result: IteratorResult<unknown[], unknown>) =>
  result.done === true ? null : result.value.length;

test('the members of an audience are read when the group before is answered, the first page alone', async () => {
  const { groups, requested } = members(2_250);
  expect(sizeOf(await groups.next())).toBe(100);
  expect(requested).toEqual([null]);
  expect(sizeOf(await groups.next())).toBe(1_000);
  expect(requested).toHaveLength(11);
  expect(sizeOf(await groups.next())).toBe(1_000);
  const last = await groups.next();
  const lines = last.done === true ? [] : last.value;
  expect(lines).toHaveLength(150);
  expect(lines.at(-1)).toEqual({ line: 2_250, input: { id: '2249' }, key: { id: '2249' } });
  expect(sizeOf(await groups.next())).toBeNull();
});

test('the members of an audience wait for the budget of the caller, and end with the error of a page', async () => {
  const spent = new GraphQLError('spent', { extensions: { code: 'RATE_LIMITED', retryAfter: 7 } });
  const failed = new GraphQLError('down', { extensions: { code: 'SOURCE_UNAVAILABLE' } });
  const { groups, waits } = members(150, [spent]);
  expect(sizeOf(await groups.next())).toBe(100);
  expect(waits).toEqual([7_000]);
  await expect(members(150, [failed]).groups.next()).rejects.toBe(failed);
});
