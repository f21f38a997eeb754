import { COMMON } from '../../declared/namespaces.js';
import { stepsOf } from '../../declared/path.js';
import { normalise } from '../../identity/identifiers.js';
import type { Decisions, Draft, DraftField, DraftType } from '../draft.js';
import { recordIdPath } from './declaration.js';
import type { Role, Shape } from './made-up-values.js';
import type { WrittenSource } from './written-source.js';

/**
 * How the values at a place of the records are treated. `constant`: it has a meaning for the mapping, such as
 * a value of an enum. `unchanged`: it is not personal. `removed`: it is not recorded.
 */
type Treatment = 'constant' | 'unchanged' | 'personal' | 'removed';

export interface Place {
  treatment: Treatment;
  role: Role;
  /** The unit of a number that is a time. */
  unit?: 'seconds' | 'milliseconds';
  /** Whether the words in a value are names of a person. */
  isName?: boolean;
  /** Whether a value is valid in the namespace. Only for identifiers. */
  accepts?: NonNullable<Shape['accepts']>;
}

/** If several fields read one place, the first treatment in this list applies. */
const TREATMENTS: readonly Treatment[] = ['constant', 'personal', 'unchanged', 'removed'];
const NUMBERS = /^(Int|Float|BigInt|Decimal|Money)$/;
const MAX_DEPTH = 5;
const SEPARATOR = '\u0000';

/** The places in the rows of calls and tables, and the treatment of their values. */
export class Places {
  readonly #draft: Draft;
  readonly #decisions: Decisions;
  readonly #enums: ReadonlySet<DraftField>;
  /** The places, by scope and path. */
  readonly #places = new Map<string, Place>();
  /** The paths of the places and of the objects around them. */
  readonly #read = new Set<string>();
  readonly #joins: (readonly [string, string])[] = [];

  constructor(draft: Draft, decisions: Decisions, { types, calls }: WrittenSource) {
    this.#draft = draft;
    this.#decisions = decisions;
    this.#enums = new Set(
      types.flatMap(({ fields }) =>
        fields.flatMap((field) => (field.enum === undefined ? [] : [field.draft])),
      ),
    );
    for (const call of calls) {
      const type = this.typeOf(call);
      if (type === undefined) continue;
      // A query names its columns, so they cannot be removed.
      const canRemove = draft.calls[call]?.call['query'] === undefined || draft.tables === undefined;
      for (const scope of this.scopesOf(call)) this.#addFields({ scope, canRemove }, type);
    }
    this.#addIdentity();
    this.#addJoins(calls);
    this.#settleJoins();
    for (const key of this.#places.keys()) {
      const [scope = '', ...path] = key.split(SEPARATOR);
      for (const i of path.keys()) this.#read.add(placeKey(scope, path.slice(0, i + 1)));
    }
  }

  /** The type of the rows of a call. */
  typeOf(call: string): DraftType | undefined {
    const { customer, types, calls } = this.#draft;
    if (calls[call]?.findsCustomers === true) return customer;
    for (const type of [customer, ...Object.values(types)])
      for (const field of type.fields) if (field.call?.name === call) return types[field.type];
    return undefined;
  }

  /** The scopes with the rows of a call: its answers, and the tables that it reads. */
  scopesOf(call: string): string[] {
    return [answersOf(call), ...tablesOf(this.#draft, call).map(tableScope)];
  }

  at(scope: string, path: readonly string[]): Place | undefined {
    return this.#places.get(placeKey(scope, path));
  }

  /** Whether a member of a row is read by a field, or contains such a member. */
  isRead(scope: string, path: readonly string[]): boolean {
    return this.#read.has(placeKey(scope, path));
  }

  /** The paths in the rows of a scope that are not recorded. */
  removedIn(scope: string): string[] {
    return [...this.#places].flatMap(([key, { treatment }]) => {
      const [of, ...path] = key.split(SEPARATOR);
      return treatment === 'removed' && of === scope ? [path.join('.')] : [];
    });
  }

  /** The treatment of the keys of a call. */
  keysOf(call: string): Place {
    return this.at(keysOf(call), []) ?? { treatment: 'personal', role: 'key' };
  }

  #addFields(
    rows: { scope: string; canRemove: boolean },
    type: DraftType,
    prefix: readonly string[] = [],
  ): void {
    const { scope, canRemove } = rows;
    for (const field of type.fields) {
      if (field.call !== undefined) continue;
      const path = [...prefix, ...namesIn(field.from)];
      const privacy = this.#decisions.privacy[`${type.name}.${field.name}`];
      const isLeftOut = privacy !== undefined && 'leftOutBecause' in privacy;
      const object = this.#draft.types[field.type];
      if (object !== undefined && !isLeftOut) {
        if (prefix.length < MAX_DEPTH) this.#addFields(rows, object, path);
        continue;
      }
      const isPersonal =
        privacy === undefined || isLeftOut || privacy.category !== 'NONE' || !privacy.isRecognised;
      const treatment = isLeftOut
        ? canRemove
          ? 'removed'
          : 'personal'
        : this.#isConstant(field)
          ? 'constant'
          : isPersonal
            ? 'personal'
            : 'unchanged';
      const role = NUMBERS.test(field.type) ? 'measure' : field.type === 'ID' ? 'key' : 'text';
      this.#add(placeKey(scope, path), { treatment, role, ...unitOf(field) });
      const currency = currencyPath(field);
      if (currency !== undefined)
        this.#add(placeKey(scope, [...prefix, ...namesIn(currency)]), {
          treatment: 'constant',
          role: 'text',
        });
    }
  }

  #isConstant(field: DraftField): boolean {
    return this.#enums.has(field) || field.type === 'Boolean' || field.conversion?.['boolean'] !== undefined;
  }

  #add(key: string, place: Place): void {
    const before = this.#places.get(key);
    if (before === undefined || rankOf(place) < rankOf(before))
      this.#places.set(key, { ...before, ...place });
  }

  /** A value that identifies a customer is recorded even if the SDL does not have it. */
  #addIdentity(): void {
    const { recordKey, yields, foundBy, name, namespaces } = this.#decisions;
    const paths: [path: string, place: Place][] = [
      ...name.map((path): [string, Place] => [path, { treatment: 'personal', role: 'text', isName: true }]),
      ...Object.entries({
        ...Object.fromEntries(
          Object.entries(foundBy).map(([namespace, { call }]) => [namespace, this.#draft.calls[call]?.key]),
        ),
        ...Object.fromEntries(Object.entries(yields).map(([namespace, { path }]) => [namespace, path])),
        [recordKey]: recordIdPath(this.#draft, this.#decisions),
      }).flatMap(([namespace, path]): [string, Place][] =>
        path === undefined
          ? []
          : [[path, { treatment: 'personal', role: 'key', ...acceptsOf(namespace, namespaces) }]],
      ),
    ];
    for (const { call } of Object.values(foundBy))
      for (const scope of this.scopesOf(call))
        for (const [path, place] of paths) this.#places.set(placeKey(scope, namesIn(path)), place);
    for (const [namespace, { call }] of Object.entries(foundBy))
      this.#places.set(placeKey(keysOf(call), []), {
        ...{ treatment: 'personal', role: 'key', ...acceptsOf(namespace, namespaces) },
      });
  }

  /** Places with the same values: keys of calls, and foreign keys. */
  #addJoins(calls: ReadonlySet<string>): void {
    const { customer, types, tables = {} } = this.#draft;
    for (const name of calls) {
      const keys = placeKey(keysOf(name), []);
      const { by, key } = this.#draft.calls[name]?.call ?? {};
      for (const scope of this.scopesOf(name))
        for (const path of [by, key])
          if (typeof path === 'string') this.#joins.push([keys, placeKey(scope, namesIn(path))]);
      for (const type of [customer, ...Object.values(types)])
        for (const field of type.fields)
          if (field.call?.name === name)
            for (const holder of calls)
              if (this.typeOf(holder) === type)
                for (const scope of this.scopesOf(holder))
                  this.#joins.push([keys, placeKey(scope, namesIn(field.call.key))]);
    }
    for (const [table, { foreignKeys, primaryKey }] of Object.entries(tables)) {
      for (const column of primaryKey) {
        const key = placeKey(tableScope(table), [column]);
        this.#joins.push([key, key]);
      }
      for (const { columns, table: other, references } of foreignKeys)
        for (const [i, column] of columns.entries())
          this.#joins.push([
            placeKey(tableScope(table), [column]),
            placeKey(tableScope(other), [references[i] ?? '']),
          ]);
    }
  }

  /**
   * Joined places have the same treatment: as personal if one of them is personal, otherwise as not personal
   * if one of them is not.
   */
  #settleJoins(): void {
    for (let again = true; again;) {
      again = false;
      for (const pair of this.#joins) {
        const found = pair.map((key) => this.#places.get(key));
        const treatment = found.some((place) => place?.treatment === 'personal')
          ? 'personal'
          : found.some((place) => place?.treatment === 'unchanged')
            ? 'unchanged'
            : undefined;
        for (const [i, key] of pair.entries()) {
          const place = found[i];
          if (place?.treatment === 'constant') continue;
          const settled = treatment ?? 'personal';
          if (place?.treatment === settled && place.role === 'key') continue;
          // An unknown place waits until the joined place is known.
          if (place === undefined && treatment === undefined) continue;
          this.#places.set(key, { ...place, treatment: settled, role: 'key' });
          again = true;
        }
      }
    }
  }
}

function rankOf({ treatment }: Place): number {
  return TREATMENTS.indexOf(treatment);
}

function placeKey(scope: string, path: readonly string[]): string {
  return [scope, ...path].join(SEPARATOR);
}

/** The names in a path. All items of a list are one place. */
function namesIn(path: string): string[] {
  return (stepsOf(path) ?? [path]).filter((step) => typeof step === 'string');
}

/** The scope of the rows in the answers of a call. */
export function answersOf(call: string): string {
  return `call ${call}`;
}

function keysOf(call: string): string {
  return `keys of ${call}`;
}

/** The scope of the rows of a table. */
export function tableScope(table: string): string {
  return `table ${table}`;
}

/** The tables that a call reads. */
export function tablesOf({ calls, tables = {} }: Draft, name: string): string[] {
  const { from, query } = calls[name]?.call ?? {};
  return Object.keys(tables).filter((table) =>
    typeof query === 'string'
      ? (query.match(/[\w$.]+/g) ?? []).some((word) => word === table)
      : table === from,
  );
}

function unitOf({ conversion }: DraftField): Pick<Place, 'unit'> {
  const unit = conversion?.['dateTime'];
  return unit === 'seconds' || unit === 'milliseconds' ? { unit } : {};
}

function currencyPath({ conversion }: DraftField): string | undefined {
  const money: unknown = conversion?.['money'];
  const currency: unknown =
    typeof money === 'object' && money !== null ? Reflect.get(money, 'currency') : undefined;
  const from: unknown =
    typeof currency === 'object' && currency !== null ? Reflect.get(currency, 'from') : undefined;
  return typeof from === 'string' ? from : undefined;
}

function acceptsOf(namespace: string, namespaces: Decisions['namespaces']): Pick<Place, 'accepts'> {
  const declared = namespaces[namespace];
  if (declared !== undefined) {
    const pattern = new RegExp(declared.pattern);
    return { accepts: (text) => pattern.test(text) };
  }
  const common = COMMON.get(namespace);
  return common === undefined ? {} : { accepts: (text) => normalise(common, text) !== null };
}
