import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { RestClient } from '../../src/connectors/rest.js';
import { testDependencies } from '../../src/cli/gateway-under-test.js';
import type { Recording } from '../../src/recordings/recording.js';
import { testSource, type SourceReport } from '../../src/recordings/test-source.js';
import type { SourceDefinition } from '../../src/source.js';
import { compiled } from '../declared/warranty.js';
import { CLUB_RECORDING, CLUB_SDL, CLUB_YAML } from './cycling-club.js';

const right = compiled(CLUB_YAML, CLUB_SDL);

function withYaml(...edits: readonly (readonly [from: string, to: string])[]): SourceDefinition {
  const yaml = edits.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, CLUB_YAML);
  return compiled(yaml, CLUB_SDL).source;
}

/** The right source, whose customers are found by e-mail address in code. */
function withLoader(
  load: (keys: readonly string[], client: RestClient) => Promise<readonly unknown[]>,
): SourceDefinition {
  const { source } = right;
  const { identity } = source;
  if (identity === undefined) throw new Error('The source has an identity.');
  const { email, ...others } = identity.foundBy;
  return {
    ...source,
    identity: {
      ...identity,
      foundBy: {
        ...others,
        email: {
          uniqueness: 'usual',
          loader: { ...email?.loader, name: 'byEmail', load: load as never },
        },
      },
    },
  };
}

const member = z.looseObject({ no: z.string(), mail: z.string(), feeCents: z.number() });
const page = z.looseObject({
  data: z.looseObject({ members: z.array(member) }),
  next: z.string().nullish(),
});

const toRecord = ({ no, mail, ...row }: z.infer<typeof member>) => ({
  id: no,
  identifiers: [{ namespace: 'email', value: mail }],
  fields: { membership: { number: no, level: null, ...row } },
});

/** The recording of a system whose call by e-mail address was measured differently. */
function withEmailCall(members: Recording['calls'][string]['call']): Recording {
  const recording = structuredClone(CLUB_RECORDING);
  Object.assign(recording.calls['byEmail']?.call ?? {}, members);
  return recording;
}

const PAGED = withEmailCall({ page: { cursor: 'next', as: 'after', maxItems: 100 } });

async function byPosition(keys: readonly string[], client: RestClient) {
  const answer = await client.get(page, `/v2/members?mail=${encodeURIComponent(keys.join(','))}`);
  const rows = answer?.data.members ?? [];
  return keys.map((_, i) => rows.slice(i, i + 1).map(toRecord));
}

async function withoutBound(keys: readonly string[], client: RestClient) {
  const rows: z.infer<typeof member>[] = [];
  let after: string | undefined;
  do {
    const answer = await client.get(page, '/v2/members', { mail: keys.join(','), after });
    rows.push(...(answer?.data.members ?? []));
    after = answer?.next ?? undefined;
  } while (after !== undefined);
  return keys.map((key) => rows.filter(({ mail }) => mail.toLowerCase() === key).map(toRecord));
}

/** A source in which a resolver computes with floating-point numbers. */
const withFloats: SourceDefinition = {
  ...right.source,
  resolvers: {
    ...right.source.resolvers,
    Ride: { distance: (ride: { distance: string }) => String(Number(ride.distance)) },
  },
};

const mistakes: [mistake: string, source: SourceDefinition, promise: string, recording?: Recording][] = [
  [
    'a wrong path of the key of a field',
    withYaml(['lockers, key: no', 'lockers, key: number']),
    'every-call',
  ],
  ['a wrong path of the key in rows', withYaml(['key: member', 'key: owner']), 'found-by-memberNumber'],
  ['no comparison rule', withYaml(['key: to, matching: lower', 'key: to']), 'found-by-email'],
  [
    'no comparison rule for a search',
    withYaml(['rows: data.members, matching: lower', 'rows: data.members']),
    'comparison-email',
    withEmailCall({ matching: 'loose' }),
  ],
  ['a forgotten page', withYaml(['    page: { cursor: meta.next, as: after, maxItems: 50 }\n', '']), 'pages'],
  ['a wrong path of the next page', withYaml(['cursor: meta.next', 'cursor: meta.cursor']), 'pages'],
  ['a wrong case of a member', withYaml(['one: mail', 'one: Mail']), 'found-by-email'],
  [
    'a wrong case of an address',
    withYaml(['/v2/members/{key}"', '/v2/Members/{key}"']),
    'found-by-memberNumber',
  ],
  ['an order by position', withLoader(byPosition), 'reordered-rows-email'],
  ['a missing bound', withLoader(withoutBound), 'bound', PAGED],
  [
    'a part that is shown as a complete list',
    withYaml(['maxItems: 50', 'maxItems: 50, acceptPart: true']),
    'bound',
  ],
  ['a wrong value of an enum', withYaml(['G: GOLD, S: SILVER', 'G: SILVER, S: GOLD']), 'examples'],
  ['a missing value of an enum', withYaml(['G: GOLD, S: SILVER', 'G: GOLD']), 'found-by-email'],
  [
    'swapped fields',
    withYaml(
      ['givenName: name.given', 'givenName: name.family'],
      ['familyName: name.family', 'familyName: name.given'],
    ),
    'examples',
  ],
  ['a swapped name', withYaml(['[name.given, name.family]', '[name.family, name.given]']), 'examples'],
  ['a lost time zone', withYaml(['zone: Europe/Amsterdam', 'zone: UTC']), 'examples'],
  ['cents as whole amounts', withYaml(['minorUnits: 2, ', '']), 'examples'],
  ['amounts in floating-point numbers', withFloats, 'exact-numbers'],
  ['a missing rule for an unknown key', withYaml([', notFound: [404, empty]', '']), 'unknown-memberNumber'],
  ['a missing rule for an empty list', withYaml(['    notFound: [empty, 404]\n', '']), 'empty-lists'],
  ['a too large batch', withYaml(['maxBatch: 20, rows: data', 'maxBatch: 100, rows: data']), 'batch-email'],
  ['a too small batch', withYaml(['maxBatch: 20, rows: data', 'maxBatch: 5, rows: data']), 'batch-email'],
];

const failedIn = ({ promises }: SourceReport) =>
  promises.flatMap(({ id, outcome }) => (outcome === 'failed' ? [id] : []));

describe('the promises of a source', () => {
  it('hold for a right declaration', async () => {
    const report = await testSource({ ...right, recording: CLUB_RECORDING }, testDependencies);
    expect(failedIn(report)).toEqual([]);
    expect(report.promises.length).toBeGreaterThan(30);
  });

  it.each(mistakes)('find %s by a named promise', async (_, source, promise, recording = CLUB_RECORDING) => {
    const report = await testSource({ source, sdl: right.sdl, recording, only: [promise] }, testDependencies);
    const [result] = report.promises;
    expect(result).toMatchObject({ id: promise, outcome: 'failed' });
    expect(result?.detail).not.toBe('');
    expect(result?.remedy).not.toBe('');
  });
});
