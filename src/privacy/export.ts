import { z } from 'zod';
import type { ExportDocument, ExportedSection, Failure } from './export-document.js';
import type { ExportPlan, Section } from './export-plan.js';

/** Executes an operation with all permissions. Cached answers of at most `maxAgeMs` may be used. */
export type ExecuteQuery = (
  query: string,
  variables: Readonly<Record<string, unknown>>,
  maxAgeMs: number,
) => Promise<unknown>;

export interface ExportOptions {
  plan: ExportPlan;
  /** The source of a field of Customer; undefined if several sources contribute to the field. */
  sourceOfField: ReadonlyMap<string, string>;
  /** Exactly one identifier. */
  by: Readonly<Record<string, string>>;
  /** The digest of an identifier, for places where it must not be readable. */
  digestOf: (identifier: { namespace: string; value: string }) => string;
  execute: ExecuteQuery;
  /** The result of an earlier, incomplete run, or an empty document. */
  begun: ExportDocument;
  /** Called after each section, with all sections until now. */
  save: (document: ExportDocument) => void;
  /** Called before each section. It receives no values. */
  onProgress: (progress: { field: string; number: number; of: number }) => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

export type ExportResult =
  | { kind: 'exported'; document: ExportDocument }
  /** No system knows the customer, or the identifier is ambiguous. */
  | { kind: 'notFound'; failures: readonly (Failure & { message: string })[] };

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
 * Exports all published data of a customer, one field at a time, so that a failure of one system affects no other field.
 * Sections of an earlier run are reused, unless the customer has more identifiers now.
 */
export async function exportCustomer(options: ExportOptions): Promise<ExportResult> {
  const { plan, by, digestOf, begun, save, onProgress, now } = options;
  const startedAt = now();
  const maxAgeOfRun = (): number => Math.ceil((now() - startedAt) / 1000) * 1000;
  let first = await fetchOnce(options, OPENING, {}, maxAgeOfRun());
  // All sections depend on the identity, so a failed lookup is repeated a few times.
  for (let tries = 1; tries < OPENING_TRIES && isPartial(first); tries += 1)
    first = await fetchOnce(options, OPENING, {}, maxAgeOfRun());
  if (first.data === null) {
    const failures = first.errors.map((error) => ({ ...failureOf(error), message: error.message }));
    return { kind: 'notFound', failures };
  }
  const { id, identifiers } = opening.parse(first.data);
  const digests = (identifiers ?? []).map(digestOf);
  // A system that failed in an earlier run may now add identifiers, and so records in all sections.
  const isMoreKnown = digests.some((digest) => !begun.identifiers.includes(digest));
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
    // Answers cached during this run are fresh enough; older ones are not.
    const { value, ...exported } = await fetchSection(section, options, maxAgeOfRun());
    document.data[section.field] = value;
    document.sections[section.field] = exported;
    document.exportedAt = new Date(now()).toISOString();
    save(withTotals(document, plan));
  }
  return { kind: 'exported', document: withTotals(document, plan) };

  function failureOf({ extensions: { code, source, retryable } }: Answer['errors'][number]): Failure {
    // Only errors of systems have `retryable`. A repetition does not remove the cause of any other error.
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
        // A field of one source needs the other sources only for the identity.
        const owner = sourceOfField.get(section.field);
        if ((status === 'failed' || status === 'stale') && (owner ?? source) === source)
          failures.push({
            source,
            code: status === 'stale' ? 'STALE' : 'SOURCE_UNAVAILABLE',
            isFinal: false,
          });
      }
      const fetched: unknown = page.data?.[section.field] ?? null;
      const { whole, next } = section.isPaged ? withPage(value, fetched) : { whole: fetched, next: null };
      value = whole;
      after = next === after ? null : next;
    } while (after !== null);
    failures.push(...missingIn(value));
    return {
      value,
      fetchedAt,
      sources,
      failures: withoutDuplicates(failures),
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

/** Adds the status of an answer: the worst status and the oldest time of a source count. */
function noteWorse(sources: ExportedSection['sources'], source: string, status: string, asOf: string): void {
  const known = sources[source];
  const isWorse = known === undefined || RANKS.indexOf(status) > RANKS.indexOf(known.status);
  sources[source] = {
    status: isWorse ? status : known.status,
    asOf: known === undefined || asOf < known.asOf ? asOf : known.asOf,
  };
}

const pageSchema = z.looseObject({
  nodes: z.array(z.unknown()),
  missing: z.array(z.unknown()).optional(),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
});

/** Appends a page to the earlier pages. `next` is the cursor of the next page. */
function withPage(before: unknown, fetched: unknown): { whole: unknown; next: string | null } {
  const { data } = pageSchema.safeParse(fetched);
  if (data === undefined) return { whole: before ?? fetched, next: null };
  const { pageInfo, ...page } = data;
  const earlier = pageSchema.omit({ pageInfo: true }).safeParse(before).data;
  const whole = {
    ...page,
    nodes: [...(earlier?.nodes ?? []), ...page.nodes],
    ...(page.missing === undefined ? {} : { missing: [...(earlier?.missing ?? []), ...page.missing] }),
  };
  return { whole, next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
}

const missingSources = z.object({
  missing: z.array(z.object({ source: z.string(), code: z.string() })),
});

/** The failed systems that a field reports in `missing`. */
function missingIn(value: unknown): Failure[] {
  const found = missingSources.safeParse(value).data?.missing ?? [];
  return found.map(({ source, code }) => ({ source, code, isFinal: false }));
}

/** Removes further failures of the same source. The first failure has the most information. */
function withoutDuplicates(failures: readonly Failure[]): Failure[] {
  const bySource = new Map<string, Failure>();
  for (const failure of failures) {
    const key = failure.source ?? `none ${failure.code}`;
    if (!bySource.has(key)) bySource.set(key, failure);
  }
  return [...bySource.values()];
}

/** The lists whose length is the limit, so that they may have more items. */
function cutOffIn(value: unknown, { slices }: Section): ExportedSection['truncatedLists'] {
  return slices.flatMap(({ path, size }) =>
    longest(value, path.slice(1)) >= size ? [{ field: path.join('.'), maxItems: size }] : [],
  );
}

function longest(value: unknown, path: readonly string[]): number {
  if (path.length === 0) return Array.isArray(value) ? value.length : 0;
  if (Array.isArray(value)) return Math.max(0, ...value.map((item) => longest(item, path)));
  const [next = '', ...rest] = path;
  return typeof value === 'object' && value !== null
    ? longest((value as Record<string, unknown>)[next], rest)
    : 0;
}

/** Adds the totals of all sections to the document. */
function withTotals(document: ExportDocument, { sections }: ExportPlan): ExportDocument {
  const sources: ExportDocument['sources'] = {};
  const notAnswered = new Map<string, ExportDocument['notAnswered'][number]>();
  for (const [field, exported] of Object.entries(document.sections)) {
    for (const [source, { status, asOf }] of Object.entries(exported.sources))
      noteWorse(sources, source, status, asOf);
    for (const { source, code } of exported.failures) {
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
