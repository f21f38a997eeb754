import { z } from 'zod';
import { members } from './grammar-problems.js';
import { callMembers, scalar } from './grammar.js';
import { httpConnect, systemPath } from './http-grammar.js';
import { settingName } from './setting-name.js';

const NAME = '[\\p{L}_][\\p{L}\\p{N}_]*';
const SET = 'must be the name of an entity set, such as registrations';
const set = z.string({ error: SET }).regex(new RegExp(`^${NAME}([./]${NAME})*$`, 'u'), { error: SET });
const FIELD = 'must be the name of a field, such as ownerEmail';
const field = z.string({ error: FIELD }).regex(new RegExp(`^${NAME}(/${NAME})*$`, 'u'), { error: FIELD });
const ORDER = 'must be a list of fields, such as [-startedAt, code]';
const wholeNumber = (most: number, least = 1) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

export const odataConnect = members(
  {
    odata: settingName,
    ping: systemPath,
    ...httpConnect,
    version: z.union([z.literal(2), z.literal(4)], { error: 'must be 2 or 4' }).exactOptional(),
    lists: z.enum(['in', 'or'], { error: 'must be in or or' }).exactOptional(),
    parameters: z
      .record(z.string(), z.string({ error: 'must be a text' }), {
        error: 'must be a map of query parameters, such as { $schemaversion: "2.1" }',
      })
      .exactOptional(),
    maxUrlLength: wholeNumber(100_000, 2_500).exactOptional(),
    maxValues: wholeNumber(10_000).exactOptional(),
  },
  'must be such as { odata: "${WARRANTY_URL}", ping: "/registrations?$top=1" }',
);
export type OdataConnect = z.infer<typeof odataConnect>;

const keyType = z.enum(['text', 'number', 'guid'], {
  error: 'must be the type of the key: text, number or guid',
});
export type OdataKeyType = z.infer<typeof keyType>;

const setCall = members({
  set,
  by: field,
  keys: keyType.exactOptional(),
  maxKeyLength: wholeNumber(200).exactOptional(),
  where: z
    .record(
      field,
      z.union([scalar, z.array(scalar).min(1, { error: 'must be a value, or a list of values' })], {
        error: 'must be a value, or a list of values',
      }),
      {
        error: 'must be a map from fields to their values, such as { status: [Open, Paid] }',
      },
    )
    .exactOptional(),
  expand: z.array(field, { error: 'must be a list of fields, such as [lines]' }).min(1).exactOptional(),
  order: z
    .array(z.string({ error: ORDER }).regex(new RegExp(`^-?${NAME}$`, 'u'), { error: ORDER }), {
      error: ORDER,
    })
    .min(1)
    .exactOptional(),
  page: members(
    { size: wholeNumber(20_000).exactOptional(), maxPages: wholeNumber(100) },
    'must be the bound of the list, such as { size: 100, maxPages: 5 }',
  ).exactOptional(),
  ...callMembers,
});
export type SetCall = z.infer<typeof setCall>;

const entityCall = members({ entity: set, keys: keyType.exactOptional(), ...callMembers });
export type EntityCall = z.infer<typeof entityCall>;

export const odataCall = z.union([setCall, entityCall], {
  error: `must be a call such as { set: registrations, by: ownerEmail }, or one with entity`,
});
export type OdataCall = z.infer<typeof odataCall>;
