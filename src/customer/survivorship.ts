import {
  buildASTSchema,
  getDirectiveValues,
  GraphQLError,
  Kind,
  type DocumentNode,
  type FieldDefinitionNode,
  type GraphQLDirective,
} from 'graphql';
import { didYouMean } from '../did-you-mean.js';
import { ConfigError } from '../errors.js';
import type { AddressValue } from '../identity/declaration.js';
import type { ProfileField, SurvivorshipStrategy } from './schema.generated.js';

/** How one value is chosen of several: `@survivorship` in schema/directives.graphql. */
export interface Rule {
  strategy: SurvivorshipStrategy;
  /** The sources that can hold a value, the most trusted first. */
  sources: readonly string[];
}

/** A value as one record holds it. */
export interface Candidate<V extends string | AddressValue = string | AddressValue> {
  value: V;
  source: string;
  recordId: string;
  /** Whether the source has verified the value; null for fields that systems do not verify. */
  verified: boolean | null;
  /** When the source last changed the record; null if it does not report it. */
  updatedAtMs: number | null;
  /** The position of the value in its record, from 0. The first value has priority. */
  place: number;
}

const FIELDS: ReadonlyMap<string, ProfileField> = new Map([
  ['name', 'NAME'],
  ['primaryEmail', 'PRIMARY_EMAIL'],
  ['primaryPhone', 'PRIMARY_PHONE'],
  ['address', 'ADDRESS'],
  ['language', 'LANGUAGE'],
  ['bornOn', 'BORN_ON'],
]);
export const PROFILE_FIELDS: readonly ProfileField[] = [...FIELDS.values()];

/** The fields whose values are identifiers. All other values come from the records' profiles. */
export const NAMESPACES = { PRIMARY_EMAIL: 'email', PRIMARY_PHONE: 'phone' } as const;

/**
 * The rules in the SDL of the customer view, applied to the plugged-in sources in their order. A source in a rule that is
 * not plugged in is skipped. The sources of `preferred` (SOURCE_ORDER) come before those of each rule.
 */
export function survivorshipRules(
  coreSchema: DocumentNode,
  sources: readonly { name: string; identity: { yields: Readonly<Record<string, unknown>> } }[],
  preferred: readonly string[] = [],
): Readonly<Record<ProfileField, Rule>> {
  const names = sources.map(({ name }) => name);
  const problems = preferred
    .filter((name) => !names.includes(name))
    .map(
      (name) =>
        `SOURCE_ORDER names "${name}", which is not plugged in.${didYouMean(name, names)} The plugged-in sources are ${names.join(', ')}.`,
    );
  const rules: Partial<Record<ProfileField, Rule>> = {};
  const missing = new Map(FIELDS);
  const survivorship = declaredDirective(coreSchema);

  for (const { path, field } of fieldsOf(coreSchema)) {
    if (!field.directives?.some(({ name }) => name.value === 'survivorship')) continue;
    const name = path.startsWith('Customer.') ? field.name.value : '';
    const profileField = FIELDS.get(name);
    if (profileField === undefined) {
      problems.push(
        `"${path}" has @survivorship, which is allowed only on these fields of Customer: ${[...FIELDS.keys()].join(', ')}.`,
      );
      continue;
    }
    missing.delete(name);
    const stated = readDirective(survivorship, path, field, problems);
    if (stated === undefined) continue;
    const namespace = (NAMESPACES as Partial<Record<ProfileField, string>>)[profileField];
    const able = sources
      .filter(({ identity }) => namespace === undefined || namespace in identity.yields)
      .map((source) => source.name);
    rules[profileField] = {
      strategy: stated.strategy,
      sources: [...new Set([...preferred, ...stated.sources, ...able])].filter((name) => able.includes(name)),
    };
  }
  for (const name of missing.keys())
    problems.push(`"Customer.${name}" needs @survivorship, which states how its value is chosen.`);
  if (problems.length > 0) throw new ConfigError(problems);
  return rules as Record<ProfileField, Rule>;
}

/** Builds the directive from its own definitions only: the rest of the core schema may need types of other files. */
function declaredDirective({ definitions }: DocumentNode): GraphQLDirective {
  const schema = buildASTSchema(
    {
      kind: Kind.DOCUMENT,
      definitions: definitions.filter(
        (definition) =>
          definition.kind === Kind.ENUM_TYPE_DEFINITION ||
          (definition.kind === Kind.DIRECTIVE_DEFINITION && definition.name.value === 'survivorship'),
      ),
    },
    { assumeValidSDL: true },
  );
  const directive = schema.getDirective('survivorship');
  if (directive == null)
    throw new ConfigError(['@survivorship is not declared. Declare it in schema/directives.graphql.']);
  return directive;
}

function fieldsOf({ definitions }: DocumentNode): { path: string; field: FieldDefinitionNode }[] {
  return definitions.flatMap((type) =>
    type.kind === Kind.OBJECT_TYPE_DEFINITION
      ? (type.fields ?? []).map((field) => ({ path: `${type.name.value}.${field.name.value}`, field }))
      : [],
  );
}

/** Reads the directive of a field. If it does not match its declaration, adds a problem and returns undefined. */
function readDirective(
  directive: GraphQLDirective,
  path: string,
  field: FieldDefinitionNode,
  problems: string[],
): Rule | undefined {
  // getDirectiveValues() ignores a misspelt argument, and with it the order of the sources.
  for (const { name } of field.directives?.find((node) => node.name.value === directive.name)?.arguments ??
    []) {
    if (!directive.args.some((argument) => argument.name === name.value))
      problems.push(`@survivorship of "${path}" has no argument "${name.value}".`);
  }
  try {
    const { strategy, sources } = getDirectiveValues(directive, field) as {
      strategy: SurvivorshipStrategy;
      sources?: string[] | null;
    };
    const named = sources ?? [];
    for (const source of new Set(named.filter((name, i) => named.indexOf(name) !== i)))
      problems.push(`@survivorship of "${path}" names "${source}" more than once.`);
    return { strategy, sources: named };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    problems.push(`@survivorship of "${path}": ${error.message}`);
    return undefined;
  }
}

/**
 * Sorts the candidates; the first is the chosen one. Empty ones are left out. The result does not depend on their
 * original order.
 */
export function inOrder<C extends Candidate>(
  candidates: readonly C[],
  { strategy, sources }: Rule,
): readonly C[] {
  const values = candidates.filter(({ value }) => !isEmpty(value));
  // The usual case: nothing to sort.
  if (values.length < 2) return values;
  const byTrust = oncePerRecord(
    values.sort(
      (a, b) =>
        sources.indexOf(a.source) - sources.indexOf(b.source) ||
        // Verified values come first only within one source. Most systems verify nothing, so a system that does would
        // otherwise override the order of the rule.
        Number(b.verified ?? false) - Number(a.verified ?? false) ||
        // Of several records in one system, the one that was changed last counts.
        changedAt(b) - changedAt(a) ||
        compareText(a.recordId, b.recordId) ||
        a.place - b.place,
    ),
  );
  // The sort is stable: records with the same time stay in order of trust.
  return strategy === 'MOST_RECENT' ? byTrust.toSorted((a, b) => changedAt(b) - changedAt(a)) : byTrust;
}

/** The time of the last change. A record without it is sorted as the oldest. */
function changedAt({ updatedAtMs }: Candidate): number {
  return updatedAtMs ?? Number.MIN_SAFE_INTEGER;
}

/** Removes repetitions within a record: a value may occur both as main address and in a list. */
function oncePerRecord<C extends Candidate>(candidates: readonly C[]): C[] {
  const seen = new Set<string>();
  return candidates.filter(({ source, recordId, value }) => {
    const key = JSON.stringify([source, recordId, comparable(value)]);
    return !seen.has(key) && seen.add(key);
  });
}

export function isEmpty(value: string | AddressValue): boolean {
  return typeof value === 'string' ? value.trim() === '' : partsOf(value).every((part) => part === '');
}

/** A comparison key that ignores case, surrounding blanks and the encoding of accents. */
function comparable(value: string | AddressValue): string {
  return JSON.stringify(partsOf(value).map((part) => part.normalize('NFC').toLowerCase()));
}

function partsOf(value: string | AddressValue): string[] {
  const parts =
    typeof value === 'string'
      ? [value]
      : [value.street, value.houseNumber, value.postcode, value.city, value.country];
  return parts.map((part) => part?.trim() ?? '');
}

/** Compares by code units, independent of the locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `PRIMARY_EMAIL` is the field `primaryEmail`. */
export function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
