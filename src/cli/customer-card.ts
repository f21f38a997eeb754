import type { ExecutionResult } from '@graphql-tools/utils';
import { z } from 'zod';
import { sourceValue } from '../stitching/generated-sdl.js';
import type { FailureReport } from '../telemetry/source-failures.js';

/** A longer value is truncated on a card. `--json` has the complete value. */
const MAX_VALUE_CHARACTERS = 160;
const NAME_COLUMN = 22;

/** What to do about errors that no source system causes. Errors of sources have the remedy of their diagnosis. */
const REMEDIES_BY_CODE: Readonly<Record<string, string>> = {
  AMBIGUOUS_IDENTITY: 'Correct the records in that system. --why shows a masked hint of each candidate.',
  CONSENT_REQUIRED: "Use another --purpose, or request the customer's consent.",
  ERASED: 'Nothing: the customer was erased. Only the role operator sees erased customers.',
  SUPPRESSION_UNAVAILABLE: 'Check SUPPRESSION_FILE, or REDIS_URL and Redis.',
  AUDIT_UNAVAILABLE: 'Check AUDIT_FILE and its disk.',
  BAD_USER_INPUT: 'Correct the identifier.',
};
const GENERAL_REMEDY = 'Check the log of the gateway, and stekkerdoos start --check.';

const object = z.record(z.string(), z.unknown());
const sourceReport = z.object({
  status: z.string(),
  age: z.number(),
  calls: z.number(),
  durationMs: z.number(),
});

/** One kind of error, and the fields that have it. */
interface CardError {
  code: string;
  source?: string;
  message: string;
  fields: string[];
  remedy: string;
}

interface CardSource {
  name: string;
  /** KNOWN, UNKNOWN or UNAVAILABLE. Undefined if the caller may not see it. */
  customer: string | undefined;
  status: string;
  ageSeconds: number;
  calls: number;
  durationMs: number;
}

/** A customer as the card shows it. `--json` prints it. */
export interface CustomerCard {
  customer: Readonly<Record<string, unknown>> | null;
  /** The source of each field. A field of several sources is missing. */
  sourceOfField: Readonly<Record<string, string>>;
  sources: readonly CardSource[];
  errors: readonly CardError[];
  /** With `--why`: how the systems' records were found. */
  identity: Readonly<Record<string, unknown>> | null;
}

/** Reads the answer of the operation of a card. */
export function readCard(
  { data, errors = [], extensions }: ExecutionResult,
  sourceOfField: ReadonlyMap<string, string>,
  recent: readonly FailureReport[],
): CustomerCard {
  const { customer, identify } = z
    .object({ customer: object.nullish(), identify: object.nullish() })
    .parse(data ?? {});
  const reports = z.object({ sources: z.record(z.string(), sourceReport) }).safeParse(extensions ?? {});
  const systems = z
    .array(z.object({ source: z.string(), status: z.string() }))
    .catch([])
    .parse(customer?.['systems'] ?? []);
  const statusOf = new Map(systems.map(({ source, status }) => [source, status]));
  return {
    customer: customer ?? null,
    sourceOfField: Object.fromEntries(
      [...sourceOfField].filter(([field]) => customer != null && field in customer),
    ),
    sources: Object.entries(reports.data?.sources ?? {}).map(([name, { age, ...report }]) => ({
      name,
      customer: statusOf.get(sourceValue(name)),
      ...report,
      ageSeconds: age,
    })),
    errors: readErrors(errors, recent),
    identity: identify ?? null,
  };
}

function readErrors(
  errors: NonNullable<ExecutionResult['errors']>,
  recent: readonly FailureReport[],
): CardError[] {
  const found = new Map<string, CardError>();
  for (const { message, path = [], extensions } of errors) {
    const code = String(extensions['code']);
    const source = typeof extensions['source'] === 'string' ? extensions['source'] : undefined;
    const [root = '', field = root] = path;
    const remedy = remedyOf(code, source, extensions, recent);
    const key = [code, source, message, remedy].join(' ');
    const known = found.get(key);
    if (known !== undefined) {
      if (!known.fields.includes(String(field))) known.fields.push(String(field));
      continue;
    }
    found.set(key, {
      code,
      ...(source === undefined ? {} : { source }),
      message,
      fields: field === '' ? [] : [String(field)],
      remedy,
    });
  }
  return [...found.values()];
}

function remedyOf(
  code: string,
  source: string | undefined,
  { purposes, scopes }: Readonly<Record<string, unknown>>,
  recent: readonly FailureReport[],
): string {
  if (Array.isArray(purposes)) return `Use another --purpose: ${purposes.join(', ')}.`;
  if (Array.isArray(scopes))
    return `Use a --role that has ${scopes.map((all) => String(all).replaceAll(',', ' and ')).join(', or ')}.`;
  return (
    REMEDIES_BY_CODE[code] ?? recent.find((failure) => failure.source === source)?.remedy ?? GENERAL_REMEDY
  );
}

/** The lines of a card. */
export function renderCard(card: CustomerCard): string[] {
  const { customer, sources, errors, identity } = card;
  return [
    ...(customer === null ? [] : renderCustomer(customer, card)),
    ...sources.filter(({ status }) => status !== 'skipped').flatMap((source) => renderSource(source, card)),
    ...section('Errors', errors.flatMap(renderError)),
    ...(identity === null ? [] : renderIdentity(identity)),
    ...renderSurvivorship(customer?.['provenance']),
  ];
}

function renderCustomer(customer: Readonly<Record<string, unknown>>, card: CustomerCard): string[] {
  const combined = Object.keys(customer).filter(
    (field) => card.sourceOfField[field] === undefined && !['provenance', 'systems'].includes(field),
  );
  return section('Customer, from all systems', fieldLines(combined, customer));
}

function renderSource(source: CardSource, { customer, sourceOfField }: CustomerCard): string[] {
  const { name, customer: knowledge, status, ageSeconds, calls, durationMs } = source;
  const facts = [
    ...(knowledge === undefined ? [] : [knowledge]),
    status === 'live'
      ? `live, ${calls} ${calls === 1 ? 'call' : 'calls'} in ${Math.round(durationMs)} ms`
      : status,
    ...(ageSeconds === 0 ? [] : [`${ageSeconds} s old`]),
  ];
  const fields = Object.keys(customer ?? {}).filter((field) => sourceOfField[field] === name);
  return ['', `${name}: ${facts.join(', ')}`, ...fieldLines(fields, customer ?? {})];
}

/** A line for each value, and one for all fields without a value. */
function fieldLines(fields: readonly string[], customer: Readonly<Record<string, unknown>>): string[] {
  const lines: string[] = [];
  const empty: string[] = [];
  for (const field of fields) {
    const entries = entriesOf(customer[field]);
    if (entries.length === 0) empty.push(field);
    for (const [i, entry] of entries.entries()) lines.push(row(i === 0 ? field : '', entry));
  }
  if (empty.length > 0) lines.push(row('no value', empty.join(', ')));
  return lines;
}

function entriesOf(value: unknown): string[] {
  const page = z
    .object({
      nodes: z.array(z.unknown()),
      pageInfo: z.object({ hasNextPage: z.boolean() }),
      missing: z.array(z.object({ source: z.string(), code: z.string() })).default([]),
    })
    .safeParse(value).data;
  if (page !== undefined)
    return [
      ...page.nodes.map(textOf),
      ...(page.pageInfo.hasNextPage ? ['and more'] : []),
      ...page.missing.map(({ source, code }) => `missing: ${source} (${code})`),
    ];
  const entries = Array.isArray(value) ? value : [value];
  return entries.map(textOf).filter((text) => text !== '');
}

/** A value on one line, without characters that control a terminal. */
function textOf(value: unknown): string {
  const text = plainText(value)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}…` : text;
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(plainText).join(', ');
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return JSON.stringify(value);
  const { amount, currency, ...others } = value as Record<string, unknown>;
  if (typeof amount === 'string' && typeof currency === 'string' && Object.keys(others).length === 0)
    return `${amount} ${currency}`;
  return (
    Object.entries(value)
      // An id that the gateway makes is not useful to a person.
      .filter(([name]) => name !== '__typename' && name !== 'id')
      .flatMap(([name, inner]) => {
        const text = plainText(inner);
        return text === '' ? [] : [`${name} ${text}`];
      })
      .join(', ')
  );
}

function renderError({ code, message, fields, remedy }: CardError): string[] {
  return [
    `  ${code}: ${textOf(message)}`,
    ...(fields.length === 0 ? [] : [row('  fields', fields.join(', '))]),
    row('  remedy', remedy),
  ];
}

const reference = z.object({ namespace: z.string(), value: z.string().nullable() });
const identityShape = z.object({
  links: z
    .array(
      z.object({
        source: z.string(),
        rule: z.string(),
        isVerified: z.boolean(),
        from: reference,
        to: reference,
      }),
    )
    .default([]),
  conflicts: z
    .array(z.object({ namespace: z.string(), values: z.array(z.string().nullable()), link: reference }))
    .default([]),
  limitsReached: z.array(z.string()).default([]),
  unavailable: z.array(z.string()).default([]),
  queriedSystems: z.array(z.string()).default([]),
  candidateCount: z.number().optional(),
  reason: z.string().default(''),
  hints: z
    .array(z.object({ source: z.string(), recordId: z.string(), name: z.string().nullable() }))
    .default([]),
});

function renderIdentity(identity: Readonly<Record<string, unknown>>): string[] {
  const found = identityShape.parse(identity);
  const show = ({ namespace, value }: z.infer<typeof reference>) => `${namespace} ${textOf(value)}`;
  return section('Why: the records, by the identifier and rule that found each', [
    ...found.links.map(({ source, from, to, rule, isVerified }) =>
      row(source, `${show(from)} → ${show(to)} (${rule}${isVerified ? ', verified' : ''})`),
    ),
    ...found.conflicts.map(({ namespace, values, link }) =>
      row('not followed', `${show(link)} would join ${namespace} ${values.map(textOf).join(' and ')}`),
    ),
    ...list('stopped at a limit', found.limitsReached),
    ...list('unavailable', found.unavailable),
    ...list('no record in', found.queriedSystems),
    ...(found.candidateCount === undefined
      ? []
      : [row('candidates', `${found.candidateCount}. ${textOf(found.reason)}`)]),
    ...found.hints.map(({ source, recordId, name }) =>
      row(source, [recordId, name].map(textOf).join(' ').trim()),
    ),
  ]);
}

const heldValue = z.object({
  value: z.string().nullable(),
  source: z.string(),
  recordId: z.string().nullable(),
  isVerified: z.boolean().nullable(),
  updatedAt: z.string().nullable(),
});
const survivorship = z.array(
  z.object({
    field: z.string(),
    strategy: z.string(),
    chosen: heldValue.nullable(),
    alternatives: z.array(heldValue),
    unavailable: z.array(z.string()),
  }),
);

function renderSurvivorship(provenance: unknown): string[] {
  const fields = survivorship.safeParse(provenance).data ?? [];
  const show = ({ value, source, recordId, isVerified, updatedAt }: z.infer<typeof heldValue>) =>
    [
      `${textOf(value)} (${source} ${textOf(recordId)}`,
      ...(isVerified === true ? ['verified'] : []),
      ...(updatedAt === null ? [] : [`changed ${updatedAt}`]),
    ].join(', ') + ')';
  return section(
    'Why: the chosen values, by the rule of each field',
    fields.flatMap(({ field, strategy, chosen, alternatives, unavailable }) => [
      row(field, `${chosen === null ? 'no value' : show(chosen)} by ${strategy}`),
      ...alternatives.map((alternative) => row('', `not chosen: ${show(alternative)}`)),
      ...(unavailable.length === 0 ? [] : [row('', `unavailable: ${unavailable.join(', ')}`)]),
    ]),
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function list(name: string, values: readonly string[]): string[] {
  return values.length === 0 ? [] : [row(name, values.join(', '))];
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(NAME_COLUMN)} ${text}`.trimEnd();
}
