import { z } from 'zod';
import { members } from './grammar-problems.js';
import { callMembers, path, text } from './grammar.js';
import { httpConnect } from './http-grammar.js';
import { pageBounds } from './rest-grammar.js';
import { settingName } from './setting-name.js';

export const graphqlConnect = members(
  {
    graphql: settingName,
    ...httpConnect,
    errors: z
      .record(
        text('must be a code of an error'),
        z.enum(['nothing', 'unavailable', 'rate-limited', 'unauthenticated', 'forbidden', 'not-understood'], {
          error: 'must be nothing, unavailable, rate-limited, unauthenticated, forbidden or not-understood',
        }),
        { error: 'must be a map from codes of errors to their meaning, such as { THROTTLED: rate-limited }' },
      )
      .exactOptional(),
    points: members(
      { cost: path, available: path, perSecond: path },
      'must be paths in the extensions of an answer: { cost: ..., available: ..., perSecond: ... }',
    ).exactOptional(),
  },
  'must be such as { graphql: "${BOOKSHOP_URL}" }',
);
export type GraphqlConnect = z.infer<typeof graphqlConnect>;

const KEY_TYPE = 'must be the type of the key in the schema of the system, such as ID, String or Int';

export const graphqlCall = members(
  {
    field: text('must be a field of the system with its arguments, such as members(ids: $keys)'),
    keys: z
      .string({ error: KEY_TYPE })
      .regex(/^[_A-Za-z]\w{0,100}$/, { error: KEY_TYPE })
      .exactOptional(),
    rows: path.exactOptional(),
    select: text('must be a selection of a row, such as { id name }').exactOptional(),
    page: members(
      { cursor: path.exactOptional(), ...pageBounds },
      'must be the bound of the list, such as { maxItems: 200 }',
    ).exactOptional(),
    ...callMembers,
  },
  'must be a call such as { field: "members(ids: $keys)" }',
);
export type GraphqlCall = z.infer<typeof graphqlCall>;
