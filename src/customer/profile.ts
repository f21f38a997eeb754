import { normalise } from '../identity/identifiers.js';
import type { Identity, Outcome } from '../identity/identity-graph.js';
import type { AddressValue, CustomerRecord, Namespace, Profile } from '../identity/declaration.js';
import type { FieldProvenance, FieldValue, ProfileField } from './schema.generated.js';
import { inOrder, isEmpty, NAMESPACES, type Candidate, type Rule } from './survivorship.js';

type ValueOf = Record<Exclude<ProfileField, 'ADDRESS'>, string> & { ADDRESS: AddressValue };
type Namespaces = ReadonlyMap<string, Namespace>;
type Held<F extends ProfileField> = Pick<Candidate<ValueOf[F]>, 'value' | 'verified'>;
type Read<F extends ProfileField> = (record: CustomerRecord, namespaces: Namespaces) => readonly Held<F>[];

interface SourceOutcome {
  source: string;
  outcome: Outcome;
}

/** Finds the customer in a source: at once if that is known already, or later. */
type Outcomes = Pick<Identity, 'foundIn' | 'findIn'>;

/**
 * The chosen value of a field; null if no system holds one. A failed system is skipped while another has a value;
 * `provenance` reports it as unavailable. If no system has a value, throws the error of the most trusted failed system.
 * Returned without a promise if all needed outcomes are known.
 */
export function chooseValue<F extends ProfileField>(
  field: F,
  rule: Rule,
  namespaces: Namespaces,
  identity: Outcomes,
): ValueOf[F] | null | Promise<ValueOf[F] | null> {
  const outcomes: SourceOutcome[] = [];
  for (const sources of stepsOf(rule)) {
    for (const source of sources) {
      const outcome = identity.foundIn(source);
      if (outcome === undefined) return loadValue(field, rule, namespaces, identity);
      outcomes.push({ source, outcome });
    }
    const chosen = chosenIn(field, outcomes, rule, namespaces);
    if (chosen !== undefined) return chosen;
  }
  return throwFailure(outcomes);
}

async function loadValue<F extends ProfileField>(
  field: F,
  rule: Rule,
  namespaces: Namespaces,
  identity: Outcomes,
): Promise<ValueOf[F] | null> {
  const outcomes: SourceOutcome[] = [];
  for (const sources of stepsOf(rule)) {
    outcomes.push(...(await loadOutcomes(sources, identity)));
    const chosen = chosenIn(field, outcomes, rule, namespaces);
    if (chosen !== undefined) return chosen;
  }
  return throwFailure(outcomes);
}

/** The chosen value in these sources; undefined if none holds one. */
function chosenIn<F extends ProfileField>(
  field: F,
  outcomes: readonly SourceOutcome[],
  rule: Rule,
  namespaces: Namespaces,
): ValueOf[F] | undefined {
  const [first, second] = outcomes;
  if (second === undefined && first?.outcome.kind === 'found') {
    const [record, otherRecord] = first.outcome.records;
    const held = record === undefined || otherRecord !== undefined ? [] : READ[field](record, namespaces);
    // The usual case: one record with one value, so nothing is compared.
    if (held.length === 1 && held[0] !== undefined) return isEmpty(held[0].value) ? undefined : held[0].value;
  }
  return inOrder(candidatesOf(field, outcomes, namespaces), rule)[0]?.value;
}

/** Throws the error of the first failed source. Null if none failed. */
function throwFailure(outcomes: readonly SourceOutcome[]): null {
  for (const { outcome } of outcomes) if (outcome.kind === 'failed') throw outcome.error;
  return null;
}

/**
 * The provenance of a field: the chosen value and its alternatives. It queries all sources, because it needs the
 * alternatives too. If `canShow` is false for a source, its record id is masked in the chosen value, and its alternatives
 * are left out.
 */
export async function provenanceOf(
  field: ProfileField,
  rule: Rule,
  namespaces: Namespaces,
  identity: Outcomes,
  fetchedAt: (record: CustomerRecord) => string,
  canShow: (source: string) => boolean,
): Promise<FieldProvenance> {
  const outcomes = await loadOutcomes(rule.sources, identity);
  const [chosen = null, ...alternatives] = inOrder(candidatesOf(field, outcomes, namespaces), rule).map(
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
    unavailable: outcomes.filter(({ outcome }) => outcome.kind === 'failed').map(({ source }) => source),
  };
}

/** Replaces the id of a record that the caller may not see. */
const HIDDEN_ID = '***';

const stepsByRule = new WeakMap<Rule, readonly (readonly string[])[]>();

/** Groups of sources that are queried together. A group is queried only if the groups before it have no value. */
function stepsOf(rule: Rule): readonly (readonly string[])[] {
  let steps = stepsByRule.get(rule);
  if (steps === undefined) {
    // With the other strategies, every source may have the chosen value.
    steps = rule.strategy === 'SOURCE_PRIORITY' ? rule.sources.map((source) => [source]) : [rule.sources];
    stepsByRule.set(rule, steps);
  }
  return steps;
}

function loadOutcomes(sources: readonly string[], identity: Outcomes): Promise<SourceOutcome[]> {
  return Promise.all(sources.map(async (source) => ({ source, outcome: await identity.findIn(source) })));
}

function candidatesOf<F extends ProfileField>(
  field: F,
  outcomes: readonly SourceOutcome[],
  namespaces: Namespaces,
): (Candidate<ValueOf[F]> & { record: CustomerRecord })[] {
  const read: Read<F> = READ[field];
  const candidates: (Candidate<ValueOf[F]> & { record: CustomerRecord })[] = [];
  for (const { source, outcome } of outcomes) {
    if (outcome.kind !== 'found') continue;
    for (const record of outcome.records) {
      const at = Date.parse(record.profile?.updatedAt ?? '');
      const updatedAtMs = Number.isNaN(at) ? null : at;
      for (const [place, { value, verified }] of read(record, namespaces).entries())
        candidates.push({ value, verified, source, recordId: record.id, updatedAtMs, place, record });
    }
  }
  return candidates;
}

/** Reads the values of a field from a record. Survivorship ignores empty values. */
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
    return record.identifiers.flatMap((held) => {
      if (namespace === undefined || held.namespace !== namespaceName || held.value == null) return [];
      const identifier = normalise(namespace, held.value);
      return identifier === null ? [] : [{ value: identifier.value, verified: held.verified ?? false }];
    });
  };
}

/** One record's address. Blank parts become null and are not taken from other records. */
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
    .map((parts) => parts.filter((part) => part != null).join(' '))
    .filter((line) => line !== '')
    .join(', ');
}
