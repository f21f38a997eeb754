import { cut, type ListStyle } from '../../connectors/odata/query.js';
import { InvalidInputError } from '../../errors.js';
import type { CallBudget } from '../call-budget.js';
import { findLimit, nearMiss, otherCase, unknownKey } from '../probe-keys.js';
import type { MeasuredKey } from '../tables/table-draft.js';
import type { PlannedKey } from '../tables/table-plan.js';
import { shown, type Row, type Table } from '../tables/table.js';
import type { OdataAnswer, OdataProbe } from './odata-client.js';
import { flatRow, keysOf, listPath } from './odata-query.js';

/** Measures how an OData service finds persons by a property. */

/** The most keys in one call: more save little. */
const MAX_KEYS = 250;
/** The same as in the connector: half of the usual limit of servers and proxies. */
const MAX_ADDRESS = 4_000;
/** The connector needs at least this many characters. */
const MIN_ADDRESS = 2_500;
/** The status of an address that is too long. */
const ADDRESS_TOO_LONG = 414;
/** A longer key is never sent. */
const MAX_KEY_LENGTH = 200;

export interface KnownKey {
  key: PlannedKey;
  /** The key of a person that the service knows. */
  known: string;
}

export interface KeyMeasurerOptions {
  probe: OdataProbe;
  budget: CallBudget;
  /** The maximum length of a text in a column, if the service declares it. */
  maxLengthOf: (table: Table, column: string) => number | undefined;
  find: (text: string, isWarning?: boolean) => void;
}

export class KeyMeasurer {
  readonly #options: KeyMeasurerOptions;
  #style: ListStyle;
  /** The maximum number of keys in one call. Undefined before the first key was measured. */
  #limit: number | undefined;
  #maxValues: number | undefined;
  #maxUrlLength: number | undefined;

  constructor(options: KeyMeasurerOptions) {
    this.#options = options;
    this.#style = { version: options.probe.version, lists: 'or' };
  }

  get style(): ListStyle {
    return this.#style;
  }

  get limit(): number {
    return this.#limit ?? 1;
  }

  get bounds(): { maxValues: number | undefined; maxUrlLength: number | undefined } {
    return { maxValues: this.#maxValues, maxUrlLength: this.#maxUrlLength };
  }

  /** Undefined if the key cannot be used. Leaves `reserved` calls for other measurements. */
  async measure(table: Table, { key, known }: KnownKey, reserved: number): Promise<MeasuredKey | undefined> {
    const { column } = key;
    const place = placeOf(table, key);
    const isFirst = this.#limit === undefined;
    if (isFirst && !(await this.#chooseStyle(table, { key, known }))) return undefined;
    const ignoresCase = await this.#compare(table, { key, known });
    if (ignoresCase === undefined) return undefined;
    const maxBatch = await this.#batchOf(table, { key, known }, reserved);
    if (maxBatch === undefined) {
      this.#options.find(`${place} did not find a record by its own key, so it is not used as a key.`, true);
      return undefined;
    }
    const maxLength = this.#options.maxLengthOf(table, column.name);
    const type = keysOf(column.value.keys);
    const call = {
      ...{ set: table.name, by: column.name.replaceAll('.', '/') },
      ...(type === 'text' ? {} : { keys: type }),
      ...(type === 'text' && maxLength !== undefined && maxLength <= MAX_KEY_LENGTH
        ? { maxKeyLength: maxLength }
        : {}),
      ...(ignoresCase ? { matching: 'collation' } : {}),
      maxBatch,
    };
    return { key, call };
  }

  /** Sends an unknown key, and then a list of two keys. False if the key cannot be used. */
  async #chooseStyle(table: Table, { key, known }: KnownKey): Promise<boolean> {
    const place = placeOf(table, key);
    const [unknown = ''] = this.#unknownKeys(table, key, known, 1);
    const alone = await this.#byKeys(table, key, [unknown]);
    if (alone.rows === undefined) {
      this.#options.find(
        alone.status === 404
          ? `${place}: an unknown key is answered with status 404, so a missing record looks like a missing entity set. It is not used.`
          : `${place} cannot be filtered (status ${alone.status}). It is not used.`,
        true,
      );
      return false;
    }
    if (alone.rows.length > 0) throw otherRecordError(place);
    this.#options.find(`${place}: an unknown key is answered with an empty list.`);
    const styles = this.#style.version === 4 ? (['in', 'or'] as const) : (['or'] as const);
    for (const lists of styles) {
      this.#style = { ...this.#style, lists };
      const both = await this.#byKeys(table, key, [unknown, known]);
      if (both.rows === undefined) continue;
      this.#refuseOthers(table, key, both.rows, known);
      if (both.rows.length === 0) continue;
      this.#options.find(`The service accepts lists of keys with "${lists}".`);
      return true;
    }
    this.#options.find('The service accepts one key in a call.');
    this.#limit = 1;
    this.#maxValues = 1;
    return true;
  }

  /** Sends the key in the other case, and a part of the key. Returns whether the service ignores case. */
  async #compare(table: Table, { key, known }: KnownKey): Promise<boolean | undefined> {
    const place = placeOf(table, key);
    if (key.column.value.keys !== 'text') return false;
    const changed = otherCase(known);
    const sent = [changed, nearMiss(known), ...this.#unknownKeys(table, key, known, 1)];
    const { rows, status } = await this.#byKeys(
      table,
      key,
      sent.filter((text) => text !== undefined).slice(0, this.#limit),
    );
    if (rows === undefined) {
      this.#options.find(`${place} cannot be filtered (status ${status}). It is not used.`, true);
      return undefined;
    }
    const held = rows.map((row) => String(flatRow(table, row)[key.column.name]));
    const near = nearMiss(known);
    if (held.some((text) => !isSameText(text, known) && !isSameText(text, near ?? known)))
      throw otherRecordError(place);
    const ignoresCase = changed !== undefined && held.includes(known);
    this.#options.find(
      `${place} finds no record by a part of a key${changed === undefined ? '' : ignoresCase ? ', and is case-insensitive' : ', and is case-sensitive'}.`,
    );
    if (key.kind === 'email' && !ignoresCase && changed !== undefined && known !== known.toLowerCase())
      this.#options.find(
        `${place} has addresses with capitals. These people are not found by their address, because it is sent in lower case.`,
        true,
      );
    return ignoresCase;
  }

  /** The most keys that one call accepts. Undefined if the known key does not find its record. */
  async #batchOf(table: Table, { key, known }: KnownKey, reserved: number): Promise<number | undefined> {
    const { budget } = this.#options;
    const most = Math.min(this.#limit ?? MAX_KEYS, this.#mostKeys(table, key, known));
    const sent: { count: number; isAccepted: boolean; status: number; length: number }[] = [];
    const accepts = async (count: number) => {
      const values = [...this.#unknownKeys(table, key, known, count - 1), known];
      const { rows, status, numbers } = await this.#byKeys(table, key, values);
      // The known key is the last one, so a truncated list does not find it.
      const isAccepted = rows !== undefined && rows.length > 0;
      if (isAccepted) this.#refuseOthers(table, key, rows, known);
      sent.push({ count, isAccepted, status, length: this.#addressLength(table, key, values) });
      return { isAccepted, hint: numbers.find((number) => number > 0 && number < count) };
    };
    const found = await findLimit(most, accepts, () => budget.left > reserved);
    if (!sent.some(({ isAccepted }) => isAccepted) && !(await accepts(1)).isAccepted) return undefined;
    const isMost = found.limit === most;
    const doubt = found.isExact ? '' : ' It may be more: there were no calls left to measure it exactly.';
    this.#options.find(
      isMost && most !== this.#limit
        ? `${placeOf(table, key)} accepts at least ${most} keys in one call; no more were tried.`
        : `${placeOf(table, key)} accepts ${found.limit} keys in one call.${doubt}`,
      !found.isExact,
    );
    if (sent.some(({ status }) => status === ADDRESS_TOO_LONG)) {
      const longest = Math.max(0, ...sent.filter(({ isAccepted }) => isAccepted).map(({ length }) => length));
      this.#maxUrlLength = Math.max(MIN_ADDRESS, longest);
    }
    if (!isMost) this.#maxValues = Math.min(found.limit, this.#maxValues ?? found.limit);
    this.#limit ??= found.limit;
    return found.limit;
  }

  /** The number of keys that fit in one address. */
  #mostKeys(table: Table, key: PlannedKey, known: string): number {
    const values = [known, ...this.#unknownKeys(table, key, known, MAX_KEYS - 1)];
    const [first = []] = cut(values, {
      ...{ maxLength: MAX_ADDRESS, maxValues: MAX_KEYS },
      lengthOf: (part) => this.#addressLength(table, key, part),
    });
    return first.length;
  }

  #addressLength(table: Table, { column }: PlannedKey, values: readonly string[]): number {
    const { base } = this.#options.probe;
    return `${base.href}/${listPath({ table, keys: { column, values, style: this.#style } })}`.length;
  }

  #byKeys(table: Table, { column }: PlannedKey, values: readonly string[]): Promise<OdataAnswer> {
    return this.#options.probe.list(listPath({ table, keys: { column, values, style: this.#style } }));
  }

  #unknownKeys(table: Table, { column, kind }: PlannedKey, known: string, count: number): string[] {
    const maxLength = this.#options.maxLengthOf(table, column.name) ?? Infinity;
    return Array.from({ length: count }, (_, i) => {
      const key = unknownKey(known, kind, i);
      return key.length > maxLength ? key.slice(-maxLength) : key;
    });
  }

  /** Throws if the service answered keys with the record of another key. */
  #refuseOthers(table: Table, key: PlannedKey, rows: readonly Row[], known: string): void {
    const held = rows.map((row) => String(flatRow(table, row)[key.column.name]));
    if (held.some((text) => !isSameText(text, known))) throw otherRecordError(placeOf(table, key));
  }
}

export function placeOf(table: Table, { column }: PlannedKey): string {
  return `${shown(table.name)}.${shown(column.name)}`;
}

export function isSameText(text: string, other: string): boolean {
  return text.toLowerCase() === other.toLowerCase();
}

function otherRecordError(place: string): InvalidInputError {
  return new InvalidInputError(
    `${place} returned a record for an unknown key. Such a service would show a customer the data of another one, so it is not connected. Choose another entity set with --by.`,
  );
}
