import { InvalidInputError } from '../../errors.js';
import type { Namespace } from '../../identity/declaration.js';
import type { Decisions, Draft, DraftCall, Finding } from '../draft.js';
import { nationalNumber } from './bsn.js';
import { compareFields, identifiersIn, identifiersOf, type IdentifierField } from './identifier-fields.js';
import { nameParts } from './name-parts.js';
import { OF_OTHERS, OWN_NUMBER_NAME, PERSON_NUMBER_NAME } from './names.js';
import { namespaceName, patternOfValues } from './own-namespace.js';
import { recordFields, type RecordField } from './record-fields.js';

/** Looks up values in the plugged-in sources. */
export interface Known {
  /** The namespaces that only some sources have, such as `customerNumber`. */
  namespaces: readonly Namespace[];
  /**
   * For each source that can be queried by the namespace, the number of values that belong to one customer
   * (`known`) or to several (`ambiguous`).
   */
  overlap(
    namespace: string,
    values: readonly string[],
  ): Promise<readonly { source: string; requested: number; known: number; ambiguous: number }[]>;
}

type Identity = Omit<Decisions, 'privacy'>;
type Kind = 'one' | 'several' | 'shown';

/** Each value may take a call to the plugged-in sources. */
const MAX_COMPARED = 50;
/** Numbers are those of a source if the source finds at least this share of them. */
const MIN_KNOWN = 0.3;
/** With at least this many samples, a field without a value is not proposed as an identifier. */
const MIN_SAMPLED_RECORDS = 10;

/** Suggests how the records of a system identify customers, with the evidence. The findings contain no values. */
export async function suggestIdentity(
  draft: Draft,
  known?: Known,
): Promise<{ identity: Identity; findings: readonly Finding[] }> {
  return new IdentitySuggester(draft, known).suggest();
}

class IdentitySuggester {
  readonly #draft: Draft;
  readonly #known: Known | undefined;
  readonly #fields: readonly RecordField[];
  readonly #namespaces: Record<string, { pattern: string; description: string }> = {};
  readonly #yields: Record<string, { path: string; kind: Kind }> = {};
  /** The fields that were chosen, by their namespace. */
  readonly #chosen = new Map<string, RecordField>();
  readonly #findings: Finding[] = [];

  constructor(draft: Draft, known: Known | undefined) {
    this.#draft = draft;
    this.#known = known;
    this.#fields = recordFields(draft);
  }

  async suggest(): Promise<{ identity: Identity; findings: readonly Finding[] }> {
    const { customer } = this.#draft;
    const calls = Object.entries(this.#draft.calls)
      .filter(([, { findsCustomers }]) => findsCustomers)
      .map(([name, call]) => [name, { ...call, key: this.#pathOfKey(call.key) }] as const);
    const idPath = customer.id ?? calls.find(([, { isUnique }]) => isUnique)?.[1].key;
    const keys = new Set(calls.map(([, { key }]) => key));
    const isSampled = this.#fields.some(({ values }) => values.texts.length >= MIN_SAMPLED_RECORDS);
    const candidates = this.#fields
      .filter(({ path }) => path !== idPath || !keys.has(path))
      .flatMap(identifiersIn)
      .filter(({ record }) => !isSampled || record.values.texts.length > 0 || keys.has(record.path));
    const idField = this.#fields.find(({ path }) => path === idPath);
    const hasIdCall = idPath !== undefined && keys.has(idPath);
    const recordKey = idField !== undefined && hasIdCall ? await this.#ownNumber(idField, true) : undefined;
    await this.#chooseCommon(candidates, calls);
    await this.#chooseNumbers(calls, recordKey === undefined ? undefined : idField);
    const foundBy = this.#foundBy(calls);
    const key = recordKey ?? Object.keys(foundBy)[0];
    if (key === undefined)
      throw new InvalidInputError(
        `No field of ${customer.name} identifies a customer. Name the call that finds one with --by, and its id with --id.`,
      );
    if (recordKey === undefined)
      this.#warn(
        `No call finds a record by its own id, so ${key} is its id. Two records with the same ${key} are one.`,
      );
    return {
      identity: {
        recordKey: key,
        ...{ namespaces: this.#namespaces, foundBy, yields: this.#yields },
        name: this.#name(),
      },
      findings: this.#findings,
    };
  }

  /** The path of a call's key in the record. A reader may know only its kind, such as `email`. */
  #pathOfKey(key: string): string {
    const found =
      this.#fields.find(({ path }) => path === key) ??
      this.#fields.find(({ field }) => field.name === key) ??
      this.#fields
        .flatMap(identifiersIn)
        .filter(({ namespace }) => namespace.name === key)
        .toSorted(compareFields)[0]?.record;
    return found?.path ?? key;
  }

  /** Chooses one field for each common namespace. */
  async #chooseCommon(
    candidates: readonly IdentifierField[],
    calls: readonly (readonly [string, DraftCall])[],
  ): Promise<void> {
    const keys = new Set(calls.map(([, { key }]) => key));
    for (const name of new Set(candidates.map(({ namespace }) => namespace.name))) {
      const all = candidates.filter(({ namespace }) => namespace.name === name);
      const [best, ...others] = all.toSorted(
        (a, b) => Number(keys.has(b.record.path)) - Number(keys.has(a.record.path)) || compareFields(a, b),
      );
      if (best === undefined) continue;
      const { record } = best;
      if (record.isInList) {
        this.#warn(
          `${placeOf(record)} holds ${name}, but in a list of objects, which a path cannot address. It is not used as an identifier.`,
        );
        continue;
      }
      this.#chosen.set(name, record);
      this.#yields[name] = { path: record.path, kind: kindOf(best, keys.has(record.path)) };
      await this.#report(name, best);
      if (others.length > 0)
        this.#find(
          `${others.map((other) => placeOf(other.record)).join(', ')} too. Only one field of a kind is used as an identifier.`,
        );
    }
  }

  /** Adds numbers of the person in other systems. */
  async #chooseNumbers(
    calls: readonly (readonly [string, DraftCall])[],
    idField: RecordField | undefined,
  ): Promise<void> {
    const keys = new Map(calls.map(([, { key, isUnique }]) => [key, isUnique]));
    const chosen = new Set(this.#chosen.values());
    for (const record of this.#fields) {
      if (record === idField || chosen.has(record) || record.isInList) continue;
      const isKey = keys.has(record.path);
      // A system may also search by town, which does not identify a person.
      if (keys.get(record.path) !== true && !isPersonNumber(record) && !(isKey && hasNumbers(record.values)))
        continue;
      if (nationalNumber(record.name, record.values) !== 'no') {
        this.#warn(
          `${placeOf(record)} has national identification numbers. They are not used to find customers.`,
        );
        continue;
      }
      const namespace = await this.#ownNumber(record, false);
      if (namespace === undefined) continue;
      this.#yields[namespace] = {
        path: record.path,
        kind: record.field.isList ? 'several' : isKey ? 'one' : 'shown',
      };
    }
  }

  /**
   * The namespace of a number of a system: that of a plugged-in source if it finds the numbers, otherwise a
   * separate one. Undefined if it is a national number.
   */
  async #ownNumber(record: RecordField, isId: boolean): Promise<string | undefined> {
    if (nationalNumber(record.name, record.values) === 'yes') return undefined;
    const { texts, distinct } = record.values;
    const shared = await this.#sharedNamespace(record);
    const name = shared ?? namespaceName(this.#draft.source, record.type.name, record.path);
    this.#chosen.set(name, record);
    if (shared === undefined) {
      const description = isId ? 'The id' : 'A number';
      this.#namespaces[name] = {
        pattern: patternOfValues(distinct),
        description: `${description} of a customer in ${this.#draft.source}: ${placeOf(record)}.`,
      };
    }
    const repeated = texts.length - distinct.length;
    this.#find(
      `${name}: ${isId ? 'the id of the record' : 'a number of the customer'}, ${placeOf(record)}. ${differences(texts.length, repeated)}`,
    );
    if (isId && repeated > 0)
      this.#warn(`${placeOf(record)} repeats in ${repeated} samples, so several records may have one id.`);
    return name;
  }

  /** The namespace of a plugged-in source that knows the numbers in a field. */
  async #sharedNamespace(record: RecordField): Promise<string | undefined> {
    for (const namespace of this.#known?.namespaces ?? []) {
      if (this.#chosen.has(namespace.name)) continue;
      const { share, values } = identifiersOf(namespace, record);
      if (share < 0.8 || values.length < 3) continue;
      const overlaps = await this.#overlap(namespace.name, values);
      const best = overlaps.find(
        ({ known, requested, ambiguous }) => known / requested >= MIN_KNOWN && ambiguous === 0,
      );
      if (best === undefined) continue;
      this.#find(`${placeOf(record)} holds ${namespace.name}: ${overlaps.map(overlapText).join('; ')}.`);
      return namespace.name;
    }
    return undefined;
  }

  async #overlap(namespace: string, values: readonly string[]) {
    const overlaps = (await this.#known?.overlap(namespace, values.slice(0, MAX_COMPARED))) ?? [];
    return overlaps.filter(({ requested }) => requested > 0);
  }

  async #report(name: string, { record, share, values, repeated }: IdentifierField): Promise<void> {
    const { texts } = record.values;
    const valid = Math.round(share * texts.length);
    if (texts.length === 0) {
      this.#warn(`${name}: ${placeOf(record)}, by its name only. There was no sample.`);
      return;
    }
    const overlaps = await this.#overlap(name, values);
    const compared = overlaps.length === 0 ? '' : ` ${overlaps.map(overlapText).join('; ')}.`;
    this.#find(
      `${name}: ${placeOf(record)}. ${valid} of ${texts.length} samples are valid. ${differences(valid, repeated)}${compared}`,
    );
    if (share < 0.8)
      this.#warn(
        `${placeOf(record)}: ${texts.length - valid} of ${texts.length} samples are not a valid ${name}, and do not identify a customer.`,
      );
    if (overlaps.some(({ ambiguous }) => ambiguous > 0))
      this.#warn(
        `Several people share values of ${placeOf(record)} in another system, so it may not link records.`,
      );
  }

  #foundBy(calls: readonly (readonly [string, DraftCall])[]): Identity['foundBy'] {
    const byPath = new Map([...this.#chosen].map(([name, { path }]) => [path, name]));
    return Object.fromEntries(
      calls.flatMap(([call, { key, isUnique }]) => {
        const namespace = byPath.get(key);
        const record = this.#chosen.get(namespace ?? '');
        if (namespace === undefined || record === undefined) {
          this.#warn(`The call ${call} is not used to find customers: ${key} does not identify them.`);
          return [];
        }
        return [
          [namespace, { call, uniqueness: isUnique ? 'enforced' : uniquenessOf(namespace, record) }] as const,
        ];
      }),
    );
  }

  #name(): string[] {
    const name = nameParts(this.#fields);
    this.#find(
      name.length === 0 ? 'No field has the name of the person.' : `The name is made of ${name.join(', ')}.`,
    );
    return name;
  }

  #find(text: string): void {
    this.#findings.push({ step: 'identity', text });
  }

  #warn(text: string): void {
    this.#findings.push({ step: 'identity', text, isWarning: true });
  }
}

function placeOf({ type, field }: RecordField): string {
  return `${type.name}.${field.name}`;
}

/**
 * A phone number identifies only if the system can be queried by it: then the answer shows whether people
 * share it.
 */
function kindOf({ namespace, record }: IdentifierField, isKey: boolean): Kind {
  if (['visitorId', 'xUsername', 'emailHash'].includes(namespace.name)) return 'shown';
  if (namespace.name === 'phone' && !isKey) return 'shown';
  return record.field.isList ? 'several' : 'one';
}

/** Whether a value normally belongs to one customer. It is `enforced` only by a constraint in the system. */
function uniquenessOf(namespace: string, { values: { texts, distinct } }: RecordField): 'usual' | 'none' {
  if (['visitorId', 'xUsername', 'emailHash'].includes(namespace)) return 'none';
  const repeated = texts.length - distinct.length;
  const isShared = ['phone', 'kvkNumber', 'vatNumber'].includes(namespace)
    ? repeated > 0
    : repeated / texts.length > 0.2;
  return isShared ? 'none' : 'usual';
}

/** Whether a field has a number that belongs to one person. */
function isPersonNumber({ name, pathName, depth, field, values }: RecordField): boolean {
  const isNamed = PERSON_NUMBER_NAME.test(name) || (depth === 0 && OWN_NUMBER_NAME.test(name));
  if (!isNamed || OF_OTHERS.test(pathName)) return false;
  return /^(String|ID|Int|BigInt)$/.test(field.type) && hasNumbers(values);
}

/** Whether the values are numbers or codes that all differ. */
function hasNumbers({ texts, distinct }: RecordField['values']): boolean {
  const isNumber = (text: string) => /^[\w.:/+=-]{2,64}$/.test(text) && /\d/.test(text);
  return texts.length > 1 && distinct.length === texts.length && texts.every(isNumber);
}

function differences(count: number, repeated: number): string {
  if (count === 0) return 'There was no sample.';
  return repeated === 0 ? `All ${count} differ.` : `${repeated} of ${count} repeat another one.`;
}

function overlapText({
  source,
  requested,
  known,
  ambiguous,
}: Awaited<ReturnType<Known['overlap']>>[number]): string {
  return `${known} of ${requested} known to ${source}, ${ambiguous === 0 ? 'none' : ambiguous} to two people`;
}
