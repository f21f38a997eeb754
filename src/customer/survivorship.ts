import {
  buildASTSchema,
  getDirectiveValues,
  GraphQLError,
  Kind,
  type DocumentNode,
  type FieldDefinitionNode,
  type GraphQLDirective,
} from 'graphql';
import { ConfigError } from '../errors.js';
import type { AddressValue } from '../identity/declaration.js';
import type { ProfileField, SurvivorshipStrategy } from './schema.generated.js';

/** How one value is chosen of several: `@survivorship` in schema/directives.graphql. */
export interface Rule {
  strategy: SurvivorshipStrategy;
  /** The sources that can hold a value, in the order in which they are believed. */
  sources: readonly string[];
}

/** A value as one record holds it. */
export interface Candidate<V extends string | AddressValue = string | AddressValue> {
  value: V;
  source: string;
  recordId: string;
  /** Whether the source has verified it; null where systems do not verify. */
  verified: boolean | null;
  /** When the source itself last changed the record; null when it does not tell. */
  updatedAtMs: number | null;
  /** Which of the record's values it is, from 0: the one that its system names first is taken first. */
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

/** The fields whose values are identifiers; the values of all others are read from the records' profiles. */
export const NAMESPACES = { PRIMARY_EMAIL: 'email', PRIMARY_PHONE: 'phone' } as const;

/**
 * The rules as the SDL of the customer view states them, over the sources that are plugged in, given in their order.
 * One that a rule names and that is not plugged in is passed over: systems come and go, the rule stays.
 */
export function survivorshipRules(
  coreSchema: DocumentNode,
  sources: readonly { name: string; identity: { yields: Readonly<Record<string, unknown>> } }[],
): Readonly<Record<ProfileField, Rule>> {
  const problems: string[] = [];
  const rules: Partial<Record<ProfileField, Rule>> = {};
  const missing = new Map(FIELDS);
  const survivorship = declaredDirective(coreSchema);

  for (const { path, field } of fieldsOf(coreSchema)) {
    if (!field.directives?.some(({ name }) => name.value === 'survivorship')) continue;
    const name = path.startsWith('Customer.') ? field.name.value : '';
    const profileField = FIELDS.get(name);
    if (profileField === undefined) {
      problems.push(
        `"${path}" has @survivorship, which only these fields of Customer have: ${[...FIELDS.keys()].join(', ')}.`,
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
      sources: [...new Set([...stated.sources.filter((source) => able.includes(source)), ...able])],
    };
  }
  for (const name of missing.keys())
    problems.push(`"Customer.${name}" needs @survivorship, which says how its value is chosen.`);
  if (problems.length > 0) throw new ConfigError(problems);
  return rules as Record<ProfileField, Rule>;
}

/** Built from what it needs alone: the rest of the core schema may need types of other files. */
function declaredDirective({ definitions }: DocumentNode): GraphQLDirective {
  const schema = buildASTSchema(
    {
      kind: Kind.DOCUMENT,
      definitions: definitions.filter(
        (one) =>
          one.kind === Kind.ENUM_TYPE_DEFINITION ||
          (one.kind === Kind.DIRECTIVE_DEFINITION && one.name.value === 'survivorship'),
      ),
    },
    { assumeValidSDL: true },
  );
  const directive = schema.getDirective('survivorship');
  if (directive == null) throw new ConfigError(['@survivorship is declared nowhere.']);
  return directive;
}

function fieldsOf({ definitions }: DocumentNode): { path: string; field: FieldDefinitionNode }[] {
  return definitions.flatMap((type) =>
    type.kind === Kind.OBJECT_TYPE_DEFINITION
      ? (type.fields ?? []).map((field) => ({ path: `${type.name.value}.${field.name.value}`, field }))
      : [],
  );
}

/** What the directive says on a field; undefined with a problem told when it does not fit its declaration. */
function readDirective(
  directive: GraphQLDirective,
  path: string,
  field: FieldDefinitionNode,
  problems: string[],
): Rule | undefined {
  // Reading the values would pass over a misspelt argument, and so over the order that it states.
  for (const { name } of field.directives?.find((one) => one.name.value === directive.name)?.arguments ??
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
    for (const source of new Set(named.filter((one, i) => named.indexOf(one) !== i)))
      problems.push(`@survivorship of "${path}" names "${source}" more than once.`);
    return { strategy, sources: named };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    problems.push(`@survivorship of "${path}": ${error.message}`);
    return undefined;
  }
}

/**
 * The candidates in the order in which they would be chosen; the first is chosen. Empty ones are left out. The order
 * in which they are given never matters.
 */
export function inOrder<C extends Candidate>(
  candidates: readonly C[],
  { strategy, sources }: Rule,
): readonly C[] {
  const told = candidates.filter(({ value }) => !isEmpty(value));
  // As it mostly is.
  if (told.length < 2) return told;
  const believed = oncePerRecord(
    told.sort(
      (one, other) =>
        sources.indexOf(one.source) - sources.indexOf(other.source) ||
        // What is verified comes first among the values of one source only: most systems verify nothing, and one
        // that does would else be believed over all of them, whatever the rule says.
        Number(other.verified ?? false) - Number(one.verified ?? false) ||
        // As everywhere in a customer of several records in one system: the one changed last counts.
        changedAt(other) - changedAt(one) ||
        compareText(one.recordId, other.recordId) ||
        one.place - other.place,
    ),
  );
  // The sort is stable: records that were changed at the same moment stay in the order in which they are believed.
  return strategy === 'MOST_RECENT'
    ? believed.toSorted((one, other) => changedAt(other) - changedAt(one))
    : believed;
}

/** A record without a moment comes after all that have one: no date reaches as far back. */
function changedAt({ updatedAtMs }: Candidate): number {
  return updatedAtMs ?? Number.MIN_SAFE_INTEGER;
}

/** A record that holds a value twice, as a main address and in a list, is still one that says so. */
function oncePerRecord<C extends Candidate>(candidates: readonly C[]): C[] {
  const seen = new Set<string>();
  return candidates.filter(({ source, recordId, value }) => {
    const key = JSON.stringify([source, recordId, comparable(value)]);
    return !seen.has(key) && seen.add(key);
  });
}

function isEmpty(value: string | AddressValue): boolean {
  return partsOf(value).every((part) => part === '');
}

/** Equal for values that are written alike but for case, surrounding blanks and the form of their accents. */
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

/** By code units: alike on every machine, whatever its language. */
function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** `PRIMARY_EMAIL` is the field `primaryEmail`. */
export function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
