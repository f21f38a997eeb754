import { normalise } from '../identity/identifiers.js';
import type { Outcome } from '../identity/identity-graph.js';
import type { AddressValue, CustomerRecord, Namespace, Profile } from '../identity/declaration.js';
import type { FieldProvenance, FieldValue, ProfileField } from './schema.generated.js';
import { inOrder, NAMESPACES, type Candidate, type Rule } from './survivorship.js';
export type Ask = (source: string) => Promise<Outcome>;

type ValueOf = Record<Exclude<ProfileField, 'ADDRESS'>, string> & { ADDRESS: AddressValue };
type Namespaces = ReadonlyMap<string, Namespace>;
type Held<F extends ProfileField> = Pick<Candidate<ValueOf[F]>, 'value' | 'verified'>;
type Read<F extends ProfileField> = (record: CustomerRecord, namespaces: Namespaces) => readonly Held<F>[];

interface Told {
  source: string;
  outcome: Outcome;
}

/**
 * The value that survives; null when no system holds one. A system that fails is passed over while another has a value:
 * `provenance` tells that it might have been another. Only when none has, it is the error of the failed one that is
 * believed most.
 */
export async function chooseValue<F extends ProfileField>(
  field: F,
  rule: Rule,
  namespaces: Namespaces,
  ask: Ask,
): Promise<ValueOf[F] | null> {
  const told: Told[] = [];
  for (const sources of inSteps(rule)) {
    told.push(...(await askAll(sources, ask)));
    const [chosen] = inOrder(candidatesOf(field, told, namespaces), rule);
    if (chosen !== undefined) return chosen.value;
  }
  for (const { outcome } of told) if (outcome.kind === 'failed') throw outcome.error;
  return null;
}

/**
 * How the value came about. Unlike choosing it this asks all sources, for what the alternatives hold is wanted too. The caller may
 * see the chosen value, but not which record of a source it is from when `canShow` is false. Such alternatives are left out.
 */
export async function provenanceOf(
  field: ProfileField,
  rule: Rule,
  namespaces: Namespaces,
  ask: Ask,
  fetchedAt: (record: CustomerRecord) => string,
  canShow: (source: string) => boolean,
): Promise<FieldProvenance> {
  const told = await askAll(rule.sources, ask);
  const [chosen = null, ...alternatives] = inOrder(candidatesOf(field, told, namespaces), rule).map(
    ({ value, source, record, verified, updatedAtMs }): FieldValue => ({
      value: typeof value === 'string' ? value : onOneLine(value),
      source,
      recordId: canShow(source) ? record.id : HIDDEN_ID,
      isVerified: verified,
      updatedAt: updatedAtMs === null ? null : new Date(updatedAtMs).toISOString(),
      fetchedAt: fetchedAt(record),
    }),
  );
  return {
    field,
    strategy: rule.strategy,
    chosen,
    alternatives: alternatives.filter(({ source }) => canShow(source)),
    unavailable: told.filter(({ outcome }) => outcome.kind === 'failed').map(({ source }) => source),
  };
}

/** Stands for the id of a record that the caller may not see. */
const HIDDEN_ID = '***';

/** Groups of sources to be asked at once, each group only when those before it have no value. */
function inSteps({ strategy, sources }: Rule): readonly (readonly string[])[] {
  // By the other strategy any source may still hold the value that wins.
  return strategy === 'SOURCE_PRIORITY' ? sources.map((source) => [source]) : [sources];
}

function askAll(sources: readonly string[], ask: Ask): Promise<Told[]> {
  return Promise.all(sources.map(async (source) => ({ source, outcome: await ask(source) })));
}

function candidatesOf<F extends ProfileField>(
  field: F,
  told: readonly Told[],
  namespaces: Namespaces,
): (Candidate<ValueOf[F]> & { record: CustomerRecord })[] {
  const read: Read<F> = READ[field];
  return told.flatMap(({ source, outcome }) =>
    (outcome.kind === 'found' ? outcome.records : []).flatMap((record) => {
      const at = Date.parse(record.profile?.updatedAt ?? '');
      const updatedAtMs = Number.isNaN(at) ? null : at;
      return read(record, namespaces).map(({ value, verified }, place) => ({
        value,
        verified,
        source,
        recordId: record.id,
        updatedAtMs,
        place,
        record,
      }));
    }),
  );
}

/** The values that a record holds of a field. Empty ones are dropped by the rules. */
const READ: { [F in ProfileField]: Read<F> } = {
  NAME: text(({ name }) => name),
  PRIMARY_EMAIL: identifiers(NAMESPACES.PRIMARY_EMAIL),
  PRIMARY_PHONE: identifiers(NAMESPACES.PRIMARY_PHONE),
  ADDRESS: ({ profile }) => [{ value: wholeAddress(profile?.address ?? {}), verified: null }],
  LANGUAGE: text(({ language }) => language),
  BORN_ON: text(({ birthDate }) => birthDate),
};

function text(of: (profile: Profile) => string | null | undefined) {
  return ({ profile = {} }: CustomerRecord) => [{ value: of(profile)?.trim() ?? '', verified: null }];
}

function identifiers(namespaceName: string) {
  return (record: CustomerRecord, namespaces: Namespaces) => {
    const namespace = namespaces.get(namespaceName);
    return record.identifiers.flatMap((one) => {
      if (namespace === undefined || one.namespace !== namespaceName || one.value == null) return [];
      const identifier = normalise(namespace, one.value);
      return identifier === null ? [] : [{ value: identifier.value, verified: one.verified ?? false }];
    });
  };
}

/** One record's address as it is: what is blank in it stays missing, and is not filled in from elsewhere. */
function wholeAddress({ street, houseNumber, postcode, city, country }: AddressValue): AddressValue {
  return {
    street: part(street),
    houseNumber: part(houseNumber),
    postcode: part(postcode),
    city: part(city),
    country: part(country),
  };
}

function part(value: string | null | undefined): string | null {
  const trimmed = value?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

function onOneLine({ street, houseNumber, postcode, city, country }: AddressValue): string {
  return [[street, houseNumber], [postcode, city], [country]]
    .map((parts) => parts.filter((one) => one != null).join(' '))
    .filter((line) => line !== '')
    .join(', ');
}
