import { z } from 'zod';
import { members } from './grammar-problems.js';
import { settingName } from './setting-name.js';

/**
 * The shape of a declaration, except for the parts of each kind of connector. All of it can be expressed as JSON Schema, for
 * editors.
 */

const DURATION = 'must be a duration such as "250 ms", "10 s", "5 minutes", "1 hour" or "7 days"';
export const duration = z
  .templateLiteral(
    [z.number(), ' ', z.enum(['ms', 's', 'minute', 'minutes', 'hour', 'hours', 'day', 'days'])],
    {
      error: DURATION,
    },
  )
  .refine((text) => !text.startsWith('-'), { error: DURATION });

export const wholeNumber = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

export const text = (what: string) => z.string({ error: what }).min(1, { error: what });
export const path = text('must be a path in the answer, such as owner.mail');
export const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'must be a text, a number or a boolean',
});
const name = (what: string) =>
  z
    .string({ error: what })
    .regex(/^[A-Za-z][A-Za-z0-9]{0,60}$/, { error: what })
    // Names are looked up in objects, which have these members from the start.
    .refine((text) => !(text in Object.prototype), {
      error: 'must not be a name of JavaScript, such as valueOf',
    });
export const callName = name('must be the name of a call: letters and digits');
const SCOPE = 'must be a scope, such as warranty:read';
const scope = z.string({ error: SCOPE }).regex(/^[a-z][\w-]*(:[a-z][\w-]*)+$/, { error: SCOPE });
const namespaceName = name('must be a kind of identifier, such as email or customerNumber');

export const freshness = members({
  maxAge: duration.exactOptional(),
  staleWhileRevalidate: duration.exactOptional(),
  staleIfError: duration.exactOptional(),
  notFoundMaxAge: duration.exactOptional(),
});

export const limits = members({
  timeout: duration.exactOptional(),
  concurrency: wholeNumber(1, 1_000).exactOptional(),
  rate: members({
    calls: z.number({ error: 'must be a number above 0' }).positive({ error: 'must be a number above 0' }),
    per: duration,
    burst: wholeNumber(1, 1_000_000).exactOptional(),
  }).exactOptional(),
  quota: members({
    calls: wholeNumber(1, 1_000_000_000),
    per: z.enum(['day', 'month'], { error: 'must be "day" or "month"' }),
  }).exactOptional(),
  bulkShare: z.number({ error: 'must be a number from 0 to 1' }).min(0).max(1).exactOptional(),
  retries: wholeNumber(0, 10).exactOptional(),
  maxBatch: wholeNumber(1, 100_000).exactOptional(),
  batchWindow: duration.exactOptional(),
  maxAnswerBytes: wholeNumber(1_024, 1_073_741_824).exactOptional(),
  maxCacheBytes: wholeNumber(1_024, 1_073_741_824).exactOptional(),
});

const textOperation = z.enum(['trim', 'lower', 'upper', 'fromNumber'], {
  error: 'must be trim, lower, upper or fromNumber',
});
const textConversion = z.union([textOperation, z.array(textOperation)], {
  error: 'must be trim, lower, upper or fromNumber, or a list of them',
});
export type TextConversion = z.infer<typeof textConversion>;

const conversions = {
  text: textConversion.exactOptional(),
  number: z
    .union(
      [
        z.literal('fromText'),
        members({
          decimal: text('must be a character'),
          group: text('must be a character').exactOptional(),
        }),
      ],
      { error: 'must be fromText, or the separators of a text, such as { decimal: ",", group: "." }' },
    )
    .exactOptional(),
  money: members({
    currency: z.union([text('must be a currency'), members({ from: path })], {
      error: 'must be a currency such as EUR, or { from: path }',
    }),
    minorUnits: wholeNumber(0, 6).exactOptional(),
  }).exactOptional(),
  date: text('must be dateTime, or a format of yyyy, mm and dd, such as dd-mm-yyyy').exactOptional(),
  dateTime: z
    .union([z.enum(['seconds', 'milliseconds']), members({ zone: text('must be a time zone') })], {
      error: 'must be seconds, milliseconds, or the zone of the times, such as { zone: Europe/Amsterdam }',
    })
    .exactOptional(),
  boolean: members({
    true: z.array(z.union([z.string(), z.number()])),
    false: z.array(z.union([z.string(), z.number()])),
  }).exactOptional(),
  enum: z
    .record(z.string(), z.string({ error: 'must be a value of the enum' }), {
      error: 'must be a map from values of the system to values of the enum, such as { B: BASIC }',
    })
    .exactOptional(),
};
const MAPPING = 'must be a path, or a map such as { from: owner.mail, text: lower }';
/** How a value of a record becomes a value of another part of the declaration. */
const value = z.union([path, members({ from: path.exactOptional(), ...conversions }, MAPPING)], {
  error: MAPPING,
});
/** How a value of a record becomes the value of a field. */
const mapping = members(
  {
    from: path.exactOptional(),
    jsonata: text('must be an expression of JSONata').exactOptional(),
    call: callName.exactOptional(),
    key: text('must be a path in the record, or on Customer a kind of identifier').exactOptional(),
    order: z
      .tuple(
        [text('must be a field, such as -placedAt'), text('must be a field that is unique in the list')],
        {
          error:
            'must be two fields: what the list is ordered by, and one that is unique, such as [-placedAt, number]',
        },
      )
      .exactOptional(),
    ...conversions,
  },
  MAPPING,
);
const field = z.union([path, mapping], { error: MAPPING });
export type Mapping = z.infer<typeof mapping>;
export type FieldMapping = z.infer<typeof field>;
export type ValueMapping = z.infer<typeof value>;

const uniqueness = z.enum(['enforced', 'usual', 'verified', 'none'], {
  error: 'must be enforced, usual, verified or none',
});
export const yieldKind = z.enum(['one', 'several', 'shown'], { error: 'must be one, several or shown' });
const verified = z
  .union([z.literal(true), path], { error: 'must be true, or the path of a boolean' })
  .exactOptional();
const yielded = z.union(
  [
    yieldKind,
    members({ one: path, verified }),
    members({ several: path, verified }),
    members({ shown: path }),
  ],
  { error: 'must be one, several or shown, or such a member with a path, such as { one: owner.mail }' },
);
export type Yielded = z.infer<typeof yielded>;

const JOINED = 'must be a path, or a list of paths whose texts are joined by blanks';
const joined = z.union([path, z.array(path, { error: JOINED }).min(1)], { error: JOINED });

const identity = members({
  recordKey: namespaceName,
  id: path.exactOptional(),
  foundBy: z.record(namespaceName, members({ call: callName, uniqueness }), {
    error: 'must be a map such as { email: { call: byEmail, uniqueness: usual } }',
  }),
  yields: z.record(namespaceName, yielded).exactOptional(),
  profile: members({
    name: joined.exactOptional(),
    language: path.exactOptional(),
    birthDate: value.exactOptional(),
    updatedAt: value.exactOptional(),
    address: members({
      street: joined.exactOptional(),
      houseNumber: joined.exactOptional(),
      postcode: path.exactOptional(),
      city: path.exactOptional(),
      country: path.exactOptional(),
    }).exactOptional(),
  }).exactOptional(),
  sameCustomer: z.array(path, { error: 'must be a list of paths' }).min(1).exactOptional(),
});
export type Identity = z.infer<typeof identity>;

const ofNumbers = <T extends z.ZodType>(value: T) =>
  members({ kvkNumber: value.exactOptional(), vatNumber: value.exactOptional() });
const companies = members({ foundBy: ofNumbers(callName), holds: ofNumbers(path).exactOptional() });

const FIELD = 'must be a field of the items, such as startedAt';
const timelineOfList = members(
  {
    kind: z
      .string({ error: 'must be a value of TimelineKind, such as ORDER' })
      .regex(/^[A-Z][A-Z0-9_]*$/, { error: 'must be a value of TimelineKind, such as ORDER' }),
    at: text(FIELD),
    id: text(FIELD),
    title: text('must be a text with fields in braces, such as Repair {code}').exactOptional(),
    status: text(FIELD).exactOptional(),
    amount: text(FIELD).exactOptional(),
  },
  'must be a map such as { kind: REPAIR, at: startedAt, id: code, title: "Repair {code}" }',
);
export type TimelineOfList = z.infer<typeof timelineOfList>;

const enumValues = (what: string) => z.record(z.string(), z.string({ error: what }), { error: what });
const STATUS = 'must be a map such as { from: optIn, enum: { "yes": GRANTED, "no": DENIED } }';
const statement = members({
  purpose: z.union(
    [
      text('must be a purpose'),
      members({ from: path, enum: enumValues('must be a map such as { mail: MARKETING }').exactOptional() }),
    ],
    { error: 'must be a value of Purpose such as MARKETING, or a map such as { from: purpose }' },
  ),
  channel: z
    .union(
      [
        text('must be a channel'),
        members({
          from: path,
          enum: enumValues('must be a map such as { m: EMAIL }').exactOptional(),
          ifMissing: z.literal('ALL', { error: 'must be ALL, or left out' }).exactOptional(),
        }),
      ],
      { error: 'must be a value of ConsentChannel such as EMAIL, or a map such as { from: channel }' },
    )
    .exactOptional(),
  status: members(
    {
      from: path,
      enum: enumValues('must be a map such as { "yes": GRANTED, "no": DENIED }').exactOptional(),
      // Never a yes.
      ifMissing: z
        .enum(['UNKNOWN', 'DENIED'], { error: 'must be UNKNOWN or DENIED, or left out' })
        .exactOptional(),
    },
    STATUS,
  ),
  until: value.exactOptional(),
  updatedAt: value.exactOptional(),
});
const consents = members({
  call: callName,
  statements: z.array(statement, { error: 'must be a list of statements' }).min(1, {
    error: 'must have a statement',
  }),
});
export type Consents = z.infer<typeof consents>;

const event = {
  events: path.exactOptional(),
  id: path,
  time: path.exactOptional(),
  subject: path.exactOptional(),
  type: path,
  types: z.record(z.string(), z.string({ error: 'must be a kind of event, such as contact.changed' }), {
    error: 'must be a map from kinds of the system to kinds of event, such as { paid: order.paid }',
  }),
  identifiers: z.record(namespaceName, path).exactOptional(),
};
const TABLE = 'must be the name of a table';
const outbox = members({
  url: settingName,
  table: z.string({ error: TABLE }).regex(/^[A-Za-z_]\w{0,60}$/, { error: TABLE }),
  ...event,
  time: path,
});
export type Outbox = z.infer<typeof outbox>;

const webhook = z.union(
  [
    members({
      hmac: members({
        secret: settingName,
        header: text('must be the name of the header with the signature'),
        prefix: text('must be the text before the signature').exactOptional(),
        encoding: z.enum(['hex', 'base64'], { error: 'must be hex or base64' }).exactOptional(),
        timestamp: text('must be the name of the header with the time').exactOptional(),
      }),
      ...event,
    }),
    members({
      token: members({ secret: settingName, header: text('must be the name of a header') }),
      ...event,
    }),
    members({ standardWebhook: settingName }),
  ],
  { error: 'must have hmac, token or standardWebhook' },
);
export type Webhook = z.infer<typeof webhook>;

const KEY =
  'must be a path in a row, such as owner.mail, or a list of paths whose texts are the key together';
/** Members of every call. */
export const callMembers = {
  key: z
    .union(
      [
        path,
        z.array(path).min(2, { error: KEY }),
        mapping.pick({ from: true, text: true }).required({ from: true }),
      ],
      { error: KEY },
    )
    .exactOptional(),
  matching: z
    .enum(['exact', 'lower', 'collation', 'loose'], { error: 'must be exact, lower, collation or loose' })
    .exactOptional(),
  id: path.exactOptional(),
  maxBatch: wholeNumber(1, 100_000).exactOptional(),
  freshness: freshness.exactOptional(),
  about: namespaceName.exactOptional(),
};

/** The declaration of a source, with the shape of its connector and of its calls. */
export function declarationOf<Connect extends z.ZodType, Call extends z.ZodType>(
  connect: Connect,
  call: Call,
) {
  return members({
    source: z
      .string({ error: 'must be the name of the source, such as warranty' })
      .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, {
        error: 'must be in lower case with dashes, such as driving-school',
      }),
    connect,
    limits: limits.exactOptional(),
    freshness: freshness.exactOptional(),
    scopes: z.array(scope, { error: 'must be a list of scopes, such as [warranty:read]' }).exactOptional(),
    namespaces: z
      .record(
        namespaceName,
        members({
          pattern: text('must be a regular expression, such as ^R\\d{8}$'),
          description: text('must describe the identifier'),
          perCustomer: z.enum(['one', 'several'], { error: 'must be one or several' }).exactOptional(),
        }),
      )
      .exactOptional(),
    identity: identity.exactOptional(),
    heldIdentifiers: z.array(namespaceName).exactOptional(),
    calls: z.record(callName, call).exactOptional(),
    fields: z.record(text('must be Type.field'), field).exactOptional(),
    companies: companies.exactOptional(),
    records: z
      .record(text('must be a type of the SDL, such as Product'), callName, {
        error: 'must be a map from types to calls, such as { Product: productsBySku }',
      })
      .exactOptional(),
    consents: consents.exactOptional(),
    timeline: z
      .record(text('must be a list of Customer, such as Customer.repairs'), timelineOfList, {
        error: 'must be a map such as { Customer.repairs: { kind: REPAIR, at: startedAt, id: code } }',
      })
      .exactOptional(),
    webhook: webhook.exactOptional(),
    outbox: outbox.exactOptional(),
  });
}

type CallMembers = { [K in keyof typeof callMembers]?: z.infer<(typeof callMembers)[K]> };
/** A declaration whose connector and calls have been checked by their kind. */
export type Declared<Connect, Call> = Omit<z.infer<ReturnType<typeof declarationOf>>, 'connect' | 'calls'> & {
  connect: Connect;
  calls?: Readonly<Record<string, Call & CallMembers>>;
};
