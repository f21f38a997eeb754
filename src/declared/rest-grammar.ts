import { z } from 'zod';
import { members } from './grammar-problems.js';
import { callMembers, duration, path, scalar, text } from './grammar.js';
import { header, httpConnect, systemPath } from './http-grammar.js';
import { settingName } from './setting-name.js';

const errorKind = z.enum(['unauthenticated', 'forbidden', 'rate-limited', 'unavailable', 'not-understood'], {
  error: 'must be unauthenticated, forbidden, rate-limited, unavailable or not-understood',
});
const errorRule = members({
  status: z.int({ error: 'must be an HTTP status from 400' }).min(400).max(599).exactOptional(),
  at: path.exactOptional(),
  is: z.union([scalar, z.array(scalar)]).exactOptional(),
  kind: errorKind,
});
export type ErrorRule = z.infer<typeof errorRule>;

export const restConnect = members(
  {
    rest: settingName,
    ...httpConnect,
    ping: systemPath,
    pingHolds: duration.exactOptional(),
    accept: text('must be a media type').exactOptional(),
    errors: z.array(errorRule).exactOptional(),
    rateLimitHeaders: members({ remaining: header, reset: header }).exactOptional(),
  },
  'must be such as { rest: "${WARRANTY_URL}", ping: /v1/status }',
);
export type RestConnect = z.infer<typeof restConnect>;

/** The bounds of a list that is read page by page. */
export const pageBounds = {
  maxItems: z
    .int({ error: 'must be a whole number from 1 to 10000: each list needs a bound' })
    .min(1)
    .max(10_000),
  maxPages: z.int({ error: 'must be a whole number from 1 to 100' }).min(1).max(100).exactOptional(),
  acceptPart: z.boolean({ error: 'must be true or false' }).exactOptional(),
};
const parameter = text('must be the name of a query parameter');
const size = z.int({ error: 'must be the number of items on a page' }).min(1).max(10_000);
const page = z.union(
  [
    members({ cursor: path, as: parameter, ...pageBounds }),
    members({ offset: parameter, size, limit: parameter.exactOptional(), ...pageBounds }),
    members({
      number: parameter,
      size,
      first: z.int().min(0).max(1).exactOptional(),
      limit: parameter.exactOptional(),
      ...pageBounds,
    }),
    members({ next: path, ...pageBounds }),
    members({ link: z.literal('header'), ...pageBounds }),
    members({ header, as: parameter, ...pageBounds }),
    members({ lastId: path, as: parameter, more: path, ...pageBounds }),
    members({ lastId: path, as: parameter, size, limit: parameter.exactOptional(), ...pageBounds }),
  ],
  {
    error:
      'must be one kind of paging with a bound, such as { cursor: meta.next, as: after, maxItems: 50 }: cursor, offset, number, next, link, header or lastId',
  },
);
export type Page = z.infer<typeof page>;

const embedded = z.union(
  [
    members({
      keys: text('must be a text with {key}'),
      join: z.string(),
      allow: text('must be a regular expression'),
    }),
    members({ key: text('must be a text with {key}'), allow: text('must be a regular expression') }),
  ],
  { error: 'must be a value, {key}, {keys|csv}, {keys|repeat}, or a text with its keys' },
);
const queryValue = z.union([scalar, embedded], {
  error:
    'must be a value, "{key}", "{keys|csv}", "{keys|repeat}", or a map such as { keys: "from:{key}", join: " OR ", allow: ^\\w+$ }',
});
export type QueryValue = z.infer<typeof queryValue>;

const notFound = z.union([z.literal(404), z.literal('empty'), z.null()], {
  error: 'must be 404, empty or null',
});

const answer = {
  query: z.record(z.string(), queryValue).exactOptional(),
  rows: path.exactOptional(),
  notFound: z
    .union([notFound, z.array(notFound)], { error: 'must be 404, empty or null, or a list of them' })
    .exactOptional(),
  page: page.exactOptional(),
};

export const restCall = z.union(
  [
    members({ get: systemPath, ...answer, ...callMembers }),
    members({
      post: systemPath,
      body: z.json({ error: 'must be the JSON body of the request' }),
      ...answer,
      ...callMembers,
    }),
  ],
  { error: 'must be a call such as { get: "/v1/registrations/{key}" }, or with post and body' },
);
export type RestCall = z.infer<typeof restCall>;
