import { z } from 'zod';
import type { ExportDocument, ExportedSection, Failure } from './export-document.js';
import type { ExportPlan, Section } from './export-plan.js';

/** Answers an operation, with a right to see everything, from answers that are no older. */
export type ExecuteQuery = (
  query: string,
  variables: Readonly<Record<string, unknown>>,
  maxAgeMs: number,
) => Promise<unknown>;

export interface ExportOptions {
  plan: ExportPlan;
  /** The source that answers a field of Customer; undefined for what is made of what several hold. */
  sourceOfField: ReadonlyMap<string, string>;
  /** Exactly one identifier. */
  by: Readonly<Record<string, string>>;
  /** What stands for an identifier where it must not be read. */
  digestOf: (identifier: { namespace: string; value: string }) => string;
  execute: ExecuteQuery;
  /** What an earlier run has left. */
  begun: ExportDocument;
  /** Called after each section, with all that is there so far. */
  save: (document: ExportDocument) => void;
  /** Told which section comes next; no values. */
  onProgress: (told: { field: string; number: number; of: number }) => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

export type ExportResult =
  | { kind: 'exported'; document: ExportDocument }
  /** No system knows the customer, or it cannot be told who is meant. */
  | { kind: 'nobody'; failures: readonly (Failure & { message: string })[] };

const answer = z.object({
  data: z
    .object({ customer: z.record(z.string(), z.unknown()).nullable() })
    .nullish()
    .transform((data) => data?.customer ?? null),
  errors: z
    .array(
      z.object({
        message: z.string(),
        extensions: z.object({
          code: z.string(),
          source: z.string().optional(),
          retryable: z.boolean().optional(),
        }),
      }),
    )
    .default([]),
  extensions: z
    .object({ sources: z.record(z.string(), z.object({ status: z.string(), age: z.number() })).optional() })
    .optional(),
});
type Answer = z.infer<typeof answer>;

const OPENING_TRIES = 3;
const OPENING =
  'query Export($by: CustomerKey!) { customer(by: $by) { id identifiers { namespace value } } }';
const opening = z.object({
  id: z.string().nullable(),
  identifiers: z.array(z.object({ namespace: z.string(), value: z.string() })).nullable(),
});

/**
 * Asks for all that is published of a customer, a field at a time, so that what one system cannot answer costs nothing
 * else. What an earlier run got is not asked for again, unless more is known by now of who the customer is.
 */
export async function exportCustomer(options: ExportOptions): Promise<ExportResult> {
  const { plan, by, digestOf, begun, save, onProgress, now } = options;
  const startedAt = now();
  const fresh = (): number => Math.ceil((now() - startedAt) / 1000) * 1000;
  let first = await fetchOnce(options, OPENING, {}, fresh());
  // All the rest hangs on who this is, so a system that only stumbled is given another chance to say it.
  for (let tries = 1; tries < OPENING_TRIES && isPartial(first); tries += 1)
    first = await fetchOnce(options, OPENING, {}, fresh());
  if (first.data === null) {
    const failures = first.errors.map((error) => ({ ...failureOf(error), message: error.message }));
    return { kind: 'nobody', failures };
  }
  const { id, identifiers } = opening.parse(first.data);
  const digests = (identifiers ?? []).map(digestOf);
  // A system that could not say who this is may have led to records that nobody asked for.
  const isMoreKnown = digests.some((one) => !begun.identifiers.includes(one));
  const document: ExportDocument = {
    ...begun,
    customerId: id ?? begun.customerId,
    identifiers: [...new Set([...begun.identifiers, ...digests])],
    data: isMoreKnown ? {} : { ...begun.data },
    sections: isMoreKnown ? {} : { ...begun.sections },
    notExported: [...plan.notExported],
  };
  const missing = plan.sections.filter(({ field }) => {
    const done = document.sections[field];
    return done === undefined || done.failures.length > 0;
  });
  for (const [i, section] of missing.entries()) {
    onProgress({ field: section.field, number: i + 1, of: missing.length });
    // What this run has asked for already is fresh enough; what others did before it is not.
    const { value, ...told } = await fetchSection(section, options, fresh());
    document.data[section.field] = value;
    document.sections[section.field] = told;
    document.exportedAt = new Date(now()).toISOString();
    save(summed(document, plan));
  }
  return { kind: 'exported', document: summed(document, plan) };

  function failureOf({ extensions: { code, source, retryable } }: Answer['errors'][number]): Failure {
    // All errors of systems say whether they are worth another try; of the others only their own cause can be changed.
    return { source: source ?? null, code, isFinal: retryable === undefined };
  }

  async function fetchSection(
    section: Section,
    { sourceOfField }: ExportOptions,
    maxAgeMs: number,
  ): Promise<ExportedSection & { value: unknown }> {
    const fetchedAt = new Date(now()).toISOString();
    const failures: Failure[] = [];
    const sources: ExportedSection['sources'] = {};
    let value: unknown = null;
    let after: string | null = null;
    do {
      const page = await fetchOnce(options, section.query, section.isPaged ? { after } : {}, maxAgeMs);
      failures.push(...page.errors.map(failureOf));
      if (page.data === null && page.errors.length === 0)
        failures.push({ source: null, code: 'UNKNOWN', isFinal: false });
      for (const [source, { status, age }] of Object.entries(page.extensions?.sources ?? {})) {
        if (status === 'skipped') continue;
        noteWorse(sources, source, status, new Date(now() - age * 1000).toISOString());
        // What is owned by one source needs the others only to find out who is meant.
        const owner = sourceOfField.get(section.field);
        if ((status === 'failed' || status === 'stale') && (owner ?? source) === source)
          failures.push({
            source,
            code: status === 'stale' ? 'STALE' : 'SOURCE_UNAVAILABLE',
            isFinal: false,
          });
      }
      const given: unknown = page.data?.[section.field] ?? null;
      const { whole, next } = section.isPaged ? withPage(value, given) : { whole: given, next: null };
      value = whole;
      after = next === after ? null : next;
    } while (after !== null);
    failures.push(...missingIn(value));
    return {
      value,
      fetchedAt,
      sources,
      failures: withoutTwins(failures),
      truncatedLists: cutOffIn(value, section),
    };
  }

  async function fetchOnce(
    { execute }: ExportOptions,
    query: string,
    variables: object,
    maxAgeMs: number,
  ): Promise<Answer> {
    return answer.parse(await execute(query, { by, ...variables }, maxAgeMs));
  }
}

function isPartial({ extensions }: Answer): boolean {
  return Object.values(extensions?.sources ?? {}).some(({ status }) => status === 'failed');
}

const RANKS = ['live', 'cached', 'stale', 'failed'];

/** Of several answers of a source the worst one counts, and the oldest. */
function noteWorse(sources: ExportedSection['sources'], source: string, status: string, asOf: string): void {
  const known = sources[source];
  const isWorse = known === undefined || RANKS.indexOf(status) > RANKS.indexOf(known.status);
  sources[source] = {
    status: isWorse ? status : known.status,
    asOf: known === undefined || asOf < known.asOf ? asOf : known.asOf,
  };
}

const page = z.looseObject({
  nodes: z.array(z.unknown()),
  missing: z.array(z.unknown()).optional(),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
});

/** The pages so far with another one behind them, and where the next one begins. */
function withPage(before: unknown, given: unknown): { whole: unknown; next: string | null } {
  const { data } = page.safeParse(given);
  if (data === undefined) return { whole: before ?? given, next: null };
  const { pageInfo, ...own } = data;
  const earlier = page.omit({ pageInfo: true }).safeParse(before).data;
  const whole = {
    ...own,
    nodes: [...(earlier?.nodes ?? []), ...own.nodes],
    ...(own.missing === undefined ? {} : { missing: [...(earlier?.missing ?? []), ...own.missing] }),
  };
  return { whole, next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
}

const missingSources = z.object({
  missing: z.array(z.object({ source: z.string(), code: z.string() })),
});

/** The systems that a field names which goes on without them. */
function missingIn(value: unknown): Failure[] {
  const found = missingSources.safeParse(value).data?.missing ?? [];
  return found.map(({ source, code }) => ({ source, code, isFinal: false }));
}

/** Of one source one failure is enough: the one that says most of it. */
function withoutTwins(failures: readonly Failure[]): Failure[] {
  const kept = new Map<string, Failure>();
  for (const one of failures) {
    const key = one.source ?? `none ${one.code}`;
    if (!kept.has(key)) kept.set(key, one);
  }
  return [...kept.values()];
}

/** The lists that were given as long as they are given at most, so that there may be more. */
function cutOffIn(value: unknown, { slices }: Section): ExportedSection['truncatedLists'] {
  return slices.flatMap(({ path, size }) =>
    longest(value, path.slice(1)) >= size ? [{ field: path.join('.'), maxItems: size }] : [],
  );
}

function longest(value: unknown, path: readonly string[]): number {
  if (path.length === 0) return Array.isArray(value) ? value.length : 0;
  if (Array.isArray(value)) return Math.max(0, ...value.map((one) => longest(one, path)));
  const [next = '', ...rest] = path;
  return typeof value === 'object' && value !== null
    ? longest((value as Record<string, unknown>)[next], rest)
    : 0;
}

/** What can be told of the whole by its sections. */
function summed(document: ExportDocument, { sections }: ExportPlan): ExportDocument {
  const sources: ExportDocument['sources'] = {};
  const notAnswered = new Map<string, ExportDocument['notAnswered'][number]>();
  for (const [field, told] of Object.entries(document.sections)) {
    for (const [source, { status, asOf }] of Object.entries(told.sources))
      noteWorse(sources, source, status, asOf);
    for (const { source, code } of told.failures) {
      const known = notAnswered.get(`${source ?? ''} ${code}`) ?? { source, code, fields: [] };
      notAnswered.set(`${source ?? ''} ${code}`, { ...known, fields: [...known.fields, field] });
    }
  }
  const isAllThere = sections.every(({ field }) => field in document.sections);
  return {
    ...document,
    sources,
    notAnswered: [...notAnswered.values()],
    complete: isAllThere && notAnswered.size === 0,
  };
}
