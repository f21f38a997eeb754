import { InvalidInputError } from '../../errors.js';
import type { CallBudget } from '../call-budget.js';
import type { Finding } from '../draft.js';
import { valuesAt } from '../values.js';
import type { GraphqlError, GraphqlProbe } from './graphql-client.js';
import { nextOf, operationOf, rowsOf, selectionOf, valueOf, type AliasCall } from './graphql-documents.js';
import { PAGE_SIZE, type PersonWay, type SampleField } from './graphql-people.js';
import type { PlannedList, TypePlan } from './graphql-types.js';
import { findLimit, nearMiss, otherCase, unknownKey } from '../probe-keys.js';

/** Measures how a GraphQL system finds one person. */

/** The most keys in one call: more save little. */
const MAX_KEYS = 250;
/** The default of a declared source. */
const MAX_ALIASES = 20;
/** Calls that the measurement of a limit leaves for lists and for the exactness of a search. */
const RESERVED_CALLS = 3;

/** Codes that do not depend on the requested key: the request or the system failed. */
const GENERAL_CODES =
  /^(INTERNAL_SERVER_ERROR|INTERNAL_ERROR|INTERNAL|BAD_USER_INPUT|BAD_REQUEST|GRAPHQL_VALIDATION_FAILED|GRAPHQL_PARSE_FAILED|UNAUTHENTICATED|FORBIDDEN|ACCESS_DENIED|THROTTLED|RATE_LIMITED|TOO_MANY_REQUESTS|TIMEOUT|SERVICE_UNAVAILABLE)$/;
const REFUSED_CODES = /^(FORBIDDEN|ACCESS_DENIED|UNAUTHORIZED)$/;

export interface MeasuredWay {
  way: PersonWay;
  /** How an unknown key is answered. */
  missing: 'null' | 'empty list' | 'null in the list' | { code: string };
  maxBatch: number;
  matching?: 'lower' | 'loose';
  /** The rows by key. */
  answers: ReadonlyMap<string, readonly unknown[]>;
}

export class GraphqlMeasurer {
  readonly findings: Finding[] = [];
  /** Records of customers, as the system returns them. */
  readonly records: unknown[] = [];
  /** By call: the rows of each key. */
  readonly listAnswers = new Map<string, Map<string, readonly unknown[]>>();
  readonly pageSizes = new Map<string, number>();
  readonly #probe: GraphqlProbe;
  readonly #budget: CallBudget;
  readonly #plan: TypePlan;
  readonly #selection: string;
  #aliasLimit: { limit: number; isExact: boolean } | undefined;

  constructor(probe: GraphqlProbe, budget: CallBudget, plan: TypePlan) {
    this.#probe = probe;
    this.#budget = budget;
    this.#plan = plan;
    this.#selection = selectionOf(plan.customer);
  }

  #find(text: string, isWarning = false): void {
    this.findings.push({ step: 'measure', text, ...(isWarning ? { isWarning } : {}) });
  }

  /** Reads some records, from a field that lists them. */
  async sample({ field, rows }: SampleField): Promise<void> {
    const call = { field, keyType: '', hasPages: false, rows };
    const { document, variables } = operationOf([{ call, selection: this.#selection, keys: [] }]);
    const { data, errors } = await this.#probe.query(document, variables);
    const found = (rowsOf(valueOf(data, 'k0', field), rows, true) ?? []).filter((row) => row != null);
    this.records.push(...found);
    if (errors.length > 0) this.#reportErrors(field, errors);
    else this.#find(`${field} returned ${found.length} records as samples.`);
  }

  #reportErrors(field: string, errors: readonly GraphqlError[]): void {
    const codes = [...new Set(errors.map(({ code }) => code ?? 'no code'))].join(', ');
    const places = [
      ...new Set(
        errors.map(({ path }) =>
          path
            .filter((part) => typeof part === 'string')
            .slice(1)
            .join('.'),
        ),
      ),
    ].filter((place) => place !== '');
    const refused = errors.some(({ code }) => REFUSED_CODES.test(code ?? ''));
    this.#find(
      `${field} returned errors (${codes})${places.length === 0 ? '' : ` at ${places.slice(0, 5).join(', ')}`}.` +
        (refused
          ? ' The credentials may not read this: give them the permission, or leave the fields out.'
          : ''),
      true,
    );
  }

  /** Measures a way to find a person. Returns the reason if it cannot be declared. */
  async measureWay(
    way: PersonWay,
    knownKeys: readonly string[],
  ): Promise<MeasuredWay | { refusedBecause: string }> {
    const [known] = knownKeys;
    const missingKey = unknownKey(known, way.kind, 0);
    const both = await this.#both(way, known, missingKey);
    if ('refusedBecause' in both) return both;
    const { missing: answered, answers, isAlone } = both;
    this.#find(`${way.field}: an unknown key is answered with ${missingText(answered)}.`);
    const matching = way.kind === 'id' || known === undefined ? undefined : await this.#exactness(way, known);
    if (matching !== undefined && typeof matching === 'object') return matching;
    const maxBatch = isAlone ? 1 : await this.#batchOf(way, known, answered);
    return { way, missing: answered, maxBatch, answers, ...(matching === undefined ? {} : { matching }) };
  }

  /** Sends a known key and an unknown one. */
  async #both(
    way: PersonWay,
    known: string | undefined,
    missingKey: string,
  ): Promise<
    | { refusedBecause: string }
    | { missing: MeasuredWay['missing']; answers: ReadonlyMap<string, readonly unknown[]>; isAlone: boolean }
  > {
    const keys = known === undefined ? [missingKey] : [known, missingKey];
    const takesKeys = way.takes === 'keys';
    const calls = takesKeys ? [this.#alias(way, keys)] : keys.map((key) => this.#alias(way, [key]));
    let { data, errors } = await this.#send(calls);
    // The list may be too long with two keys.
    if (takesKeys && errors.length > 0 && keys.length > 1)
      ({ data, errors } = await this.#send([this.#alias(way, [missingKey])]));
    const last = `k${calls.length - 1}`;
    const general = errors.find(({ path }) => path.length === 0);
    if (general !== undefined && data === null)
      return {
        refusedBecause: `${way.field} was answered with an error (${general.code ?? 'no code'}), not with records`,
      };
    const errorsOfMissing = takesKeys ? errors : errors.filter(({ path }) => path[0] === last);
    const rows = rowsOf(valueOf(data, last, way.field), way.rows, takesKeys);
    const requested = takesKeys ? keys : [missingKey];
    const other = (rows ?? []).filter(
      (row) => row != null && !requested.includes(this.#keyOf(way, row) ?? ''),
    );
    const isFoundByCase = other.every((row) => known !== undefined && sameText(this.#keyOf(way, row), known));
    if (other.length > 0 && !(takesKeys && isFoundByCase))
      throw new InvalidInputError(
        `${way.field} returned a record for an unknown key. Such a system would show a customer the data of another one, so it is not connected. ` +
          'Choose another field with --by, or have the system answer such a key with null.',
      );
    const answers = new Map<string, readonly unknown[]>();
    if (known !== undefined) {
      const found = takesKeys
        ? (rows ?? []).filter((row) => row != null)
        : (rowsOf(valueOf(data, 'k0', way.field), way.rows, false) ?? []);
      if (found.length > 0) answers.set(known, found);
      this.records.push(...(this.records.length === 0 ? found : []));
      if (found.length === 0 && data !== null && !takesKeys)
        this.#find(`${way.field} did not find a record by its own key at ${way.keyPath}.`, true);
    }
    // One missing record fails all fields of the operation.
    const isAlone = data === null && calls.length > 1;
    if (errorsOfMissing.length > 0) {
      const [code, ...others] = [...new Set(errorsOfMissing.map((error) => error.code))];
      if (code === undefined || others.length > 0 || GENERAL_CODES.test(code))
        return {
          refusedBecause: `${way.field} answers an unknown key with a general error (${code ?? 'no code'}), so a missing record looks like a failure`,
        };
      if (isAlone && known !== undefined) {
        const alone = await this.#send([this.#alias(way, [known])]);
        const found = rowsOf(valueOf(alone.data, 'k0', way.field), way.rows, false) ?? [];
        if (found.length > 0) answers.set(known, found);
        if (this.records.length === 0) this.records.push(...found);
      }
      return { missing: { code }, answers, isAlone };
    }
    if (rows === null) return { missing: 'null', answers, isAlone };
    return { missing: rows.includes(null) ? 'null in the list' : 'empty list', answers, isAlone };
  }

  /** Sends the key in the other case, and a part of the key. */
  async #exactness(
    way: PersonWay,
    known: string,
  ): Promise<'lower' | 'loose' | { refusedBecause: string } | undefined> {
    const variants = [otherCase(known), nearMiss(known)];
    const sent = variants.filter((key) => key !== undefined);
    if (sent.length === 0 || this.#budget.left <= RESERVED_CALLS) return undefined;
    const { data } = await this.#send(sent.map((key) => this.#alias(way, [key])));
    const foundBy = (key: string | undefined) => {
      const i = key === undefined ? -1 : sent.indexOf(key);
      const rows = i < 0 ? null : rowsOf(valueOf(data, `k${i}`, way.field), way.rows, way.takes === 'keys');
      return (rows ?? []).filter((row) => row != null);
    };
    const [cased, near] = variants;
    const ignoresCase = foundBy(cased).some((row) => sameText(this.#keyOf(way, row), known));
    const findsNear = foundBy(near).some((row) => this.#keyOf(way, row) !== near);
    if (findsNear && way.rows === undefined)
      return {
        refusedBecause: `${way.field} finds a person by a part of the key`,
      };
    if (findsNear) {
      this.#find(
        `${way.field} finds records whose key is only similar, so the gateway compares the keys.`,
        true,
      );
      return 'loose';
    }
    this.#find(
      `${way.field} is exact${cased === undefined ? '' : ignoresCase ? ', but case-insensitive' : ' and case-sensitive'}.`,
    );
    return ignoresCase ? 'lower' : undefined;
  }

  async #batchOf(
    way: PersonWay,
    known: string | undefined,
    missing: MeasuredWay['missing'],
  ): Promise<number> {
    const hasCall = () => this.#budget.left > RESERVED_CALLS;
    if (way.takes === 'keys') {
      // Pages that have no cursor end with their size.
      const most = way.rows === undefined || way.rows === '.' || way.hasPages ? MAX_KEYS : PAGE_SIZE;
      const found = await findLimit(most, (count) => this.#acceptsKeys(way, known, count), hasCall);
      this.#reportLimit(`${way.field} accepts`, 'keys in one call', found, most);
      return found.limit;
    }
    if (typeof missing === 'object' && way.isNonNull) return 1;
    this.#aliasLimit ??= await this.#measureAliases(way, known, hasCall);
    return this.#aliasLimit.limit;
  }

  async #measureAliases(way: PersonWay, known: string | undefined, hasCall: () => boolean) {
    const accepts = async (count: number) => {
      const keys = this.#fillUp(way, known, count);
      const { data, errors } = await this.#send(keys.map((key) => this.#alias(way, [key])));
      const isComplete = data !== null && Object.hasOwn(data, `k${count - 1}`);
      const last = rowsOf(valueOf(data, `k${count - 1}`, way.field), way.rows, false);
      const isAccepted = isComplete && (known === undefined || (last?.length ?? 0) > 0);
      return { isAccepted, hint: hintOf(errors, count) };
    };
    const found = await findLimit(MAX_ALIASES, accepts, hasCall);
    this.#reportLimit('The system accepts', 'aliases in one query', found, MAX_ALIASES);
    return found;
  }

  /**
   * Whether a list of keys is answered completely. The known key is the last one, so a truncated list does
   * not find it.
   */
  async #acceptsKeys(way: PersonWay, known: string | undefined, count: number) {
    const keys = this.#fillUp(way, known, count);
    const { data, errors } = await this.#send([this.#alias(way, keys)]);
    const rows = rowsOf(valueOf(data, 'k0', way.field), way.rows, true);
    const isFound =
      rows?.some((row) => known !== undefined && sameText(this.#keyOf(way, row), known)) === true;
    return { isAccepted: rows !== null && (known === undefined || isFound), hint: hintOf(errors, count) };
  }

  #fillUp(way: PersonWay, known: string | undefined, count: number): string[] {
    const keys = Array.from({ length: count }, (_, i) => unknownKey(known, way.kind, i));
    if (known !== undefined) keys[count - 1] = known;
    return keys;
  }

  #reportLimit(
    subject: string,
    what: string,
    { limit, isExact }: { limit: number; isExact: boolean },
    most: number,
  ): void {
    const text = limit === most ? `at least ${limit} ${what}; no more were tried` : `${limit} ${what}`;
    const doubt = isExact ? '' : ' It may be more: there were no calls left to measure it exactly.';
    this.#find(`${subject} ${text}.${doubt}`, !isExact);
  }

  /** Reads the first page of each list of a record, and the next page of one. */
  async measureLists(): Promise<void> {
    const ready = this.#plan.lists.flatMap((list) => {
      const keys = this.#keysFor(list);
      return keys.length === 0 ? [] : [{ list, keys }];
    });
    const missing = this.#plan.lists.filter((list) => !ready.some((found) => found.list === list));
    if (ready.length > 0 && this.#budget.left > 0) await this.#readLists(ready);
    if (missing.length === 0 || this.#budget.left === 0) return;
    // The first lists returned the records that have the remaining lists.
    const second = missing.flatMap((list) => {
      const keys = this.#keysFor(list);
      return keys.length === 0 ? [] : [{ list, keys }];
    });
    if (second.length > 0) await this.#readLists(second);
  }

  async #readLists(ready: readonly { list: PlannedList; keys: readonly string[] }[]): Promise<void> {
    const aliases = ready.flatMap(({ list, keys }) => keys.map((key) => ({ list, key })));
    const calls = aliases.map(({ list, key }) => ({
      call: list,
      selection: selectionOf(list.item),
      keys: [key],
    }));
    let size = PAGE_SIZE;
    const sized = () =>
      calls.map(({ call, ...rest }) => ({ call: { ...call, field: withSize(call.field, size) }, ...rest }));
    let { data, errors } = await this.#send(sized());
    const isRefused =
      errors.length > 0 && aliases.every(({ list }, i) => valueOf(data, `k${i}`, list.field) == null);
    if (isRefused && this.#budget.left > 0) {
      const hint = hintOf(errors, size + 1);
      size = hint !== undefined && hint < PAGE_SIZE ? hint : 10;
      ({ data, errors } = await this.#send(sized()));
    }
    if (errors.length > 0) this.#reportErrors('The lists', errors);
    for (const { list } of ready) this.pageSizes.set(list.call, size);
    if (size !== PAGE_SIZE && data !== null) this.#find(`A page of a list has at most ${size} items.`);
    let open: { list: PlannedList; key: string; after: string } | undefined;
    for (const [i, { list, key }] of aliases.entries()) {
      const value = valueOf(data, `k${i}`, list.field);
      const rows = rowsOf(value, list.rows, true);
      if (rows === null) continue;
      const answers = this.listAnswers.get(list.call) ?? new Map<string, readonly unknown[]>();
      this.listAnswers.set(list.call, answers.set(key, rows));
      const after = nextOf(value);
      if (after !== undefined) open ??= { list, key, after };
    }
    if (open !== undefined && this.#budget.left > 0) await this.#readNext(open, size);
  }

  async #readNext(
    { list, key, after }: { list: PlannedList; key: string; after: string },
    size: number,
  ): Promise<void> {
    const call = { ...list, field: withSize(list.field, size) };
    const { data } = await this.#send([{ call, selection: selectionOf(list.item), keys: [key], after }]);
    const rows = rowsOf(valueOf(data, 'k0', list.field), list.rows, true) ?? [];
    const answers = this.listAnswers.get(list.call);
    answers?.set(key, [...(answers.get(key) ?? []), ...rows]);
    this.#find(
      `${list.call} continues by its cursor: the next page has ${rows.length} other items.`,
      rows.length === 0,
    );
  }

  /** Keys of records that have a list: two of each, so that one may be empty. */
  #keysFor(list: PlannedList): string[] {
    const owner = [this.#plan.customer, ...this.#plan.types].find((type) =>
      type.fields.some((field) => field.list === list),
    );
    const holders =
      owner === undefined || owner === this.#plan.customer
        ? this.records
        : this.#plan.lists
            .filter(({ item }) => item === owner)
            .flatMap(({ call }) => [...(this.listAnswers.get(call)?.values() ?? [])].flat());
    return [...new Set(valuesAt(holders, list.keyPath).map(String))].slice(0, 2);
  }

  #alias(way: PersonWay, keys: readonly string[]): AliasCall {
    return { call: way, selection: this.#selection, keys };
  }

  #send(aliases: readonly AliasCall[]) {
    const { document, variables } = operationOf(aliases);
    return this.#probe.query(document, variables);
  }

  #keyOf(way: PersonWay, row: unknown): string | undefined {
    const [key] = valuesAt([row], way.keyPath);
    return typeof key === 'string' || typeof key === 'number' ? String(key) : undefined;
  }
}

/** A page of another size. */
export function withSize(field: string, size: number): string {
  return field.replaceAll(new RegExp(`: ${PAGE_SIZE}(?=[,)])`, 'g'), `: ${size}`);
}

/** A limit that the message of a refusal names. */
function hintOf(errors: readonly GraphqlError[], count: number): number | undefined {
  return errors.flatMap(({ numbers }) => numbers).find((number) => number > 0 && number < count);
}

function sameText(text: string | undefined, other: string): boolean {
  return text?.toLowerCase() === other.toLowerCase();
}

function missingText(missing: MeasuredWay['missing']): string {
  return typeof missing === 'object'
    ? `an error of the code ${missing.code}`
    : `${missing === 'empty list' ? 'an ' : ''}${missing}`;
}
