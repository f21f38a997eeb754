import type { RecordedCall, RecordedTable, Recording } from '../../recordings/recording.js';
import type { Decisions, Draft } from '../draft.js';
import { moveMoment } from './dates.js';
import { decodedId } from './made-up-formats.js';
import { both, fitsColumn } from './column-fit.js';
import { MadeUpValues, type Role, type Shape } from './made-up-values.js';
import { answersOf, Places, tableScope, tablesOf, type Place } from './places.js';
import type { WrittenSource } from './written-source.js';

/** The recorded parts of a draft, with made-up personal values. */
export type ReplacedRecords = Pick<Recording, 'system' | 'calls' | 'tables'>;

type Json = RecordedCall['answers'][string][number];

/** Visits all values. Collecting and replacing use the same walk. */
interface Visitor {
  /** Returns the value to record instead. Undefined removes its member. */
  value(value: string | number, place: Place | undefined, at: string): string | number | undefined;
  /** Visits the name of a member that is not read by a field. `path` leads to its object. */
  member(name: string, scope: string, path: readonly string[]): string;
}

/**
 * Replaces every personal value by a made-up one of the same format. Equal values get equal replacements
 * everywhere, so that joins still work. Values that are classified as not personal stay. The result depends
 * only on the draft, the decisions and the seed.
 */
export function replacePersonal(
  draft: Draft,
  decisions: Decisions,
  { written, seed }: { written: WrittenSource; seed: number },
): ReplacedRecords {
  return new Replacer(draft, decisions, written, seed).replace();
}

/** A word in a personal name: capitalised, and longer than particles such as "de". */
const NAME = /\p{Lu}[\p{L}\p{M}]{2,}/gu;

class Replacer {
  readonly #draft: Draft;
  readonly #written: WrittenSource;
  readonly #places: Places;
  readonly #values: MadeUpValues;
  /** The paths of objects with made-up names of members, by scope. */
  readonly #renamed = new Map<string, Set<string>>();

  constructor(draft: Draft, decisions: Decisions, written: WrittenSource, seed: number) {
    this.#draft = draft;
    this.#written = written;
    this.#places = new Places(draft, decisions, written);
    this.#values = new MadeUpValues(seed);
  }

  replace(): ReplacedRecords {
    this.#collect();
    this.#values.assign();
    return this.#walk({
      value: (value, place) => this.#replaced(value, place),
      member: (name, scope, path) => {
        const replaced = this.#values.replaceKnown(name);
        if (replaced !== name)
          this.#renamed.set(scope, (this.#renamed.get(scope) ?? new Set()).add([...path, '*'].join('.')));
        return replaced;
      },
    });
  }

  #collect(): void {
    const types = this.#columnTypes();
    const found: { text: string; role: Role; at: string; accepts: Shape['accepts'] }[] = [];
    this.#walk({
      value: (value, place, at) => {
        if (isReplaced(place) && !(typeof value === 'number' && place?.unit !== undefined))
          found.push({
            ...{ text: String(value), role: roleOf(value, place), at },
            accepts: both(place?.accepts, fitsColumn(types.get(at))),
          });
        if (place?.isName === true)
          for (const word of String(value).match(NAME) ?? [])
            found.push({ text: word, role: 'text', at: '', accepts: undefined });
        return value;
      },
      member: (name) => {
        if (name.includes('@')) found.push({ text: name, role: 'text', at: '', accepts: undefined });
        return name;
      },
    });
    for (const sample of this.#otherSamples())
      found.push({ text: sample, role: 'text', at: '', accepts: undefined });
    const prefixes = prefixesOf(found.filter(({ role, at }) => role === 'key' && at !== ''));
    for (const { text, role, at, accepts } of found) {
      const prefix = role === 'key' ? prefixes.get(at) : undefined;
      this.#values.collect(text, role, {
        ...(prefix === undefined ? {} : { prefix }),
        ...(accepts === undefined ? {} : { accepts }),
      });
    }
  }

  /** The types of the columns, by the places of their values. */
  #columnTypes(): Map<string, string> {
    return new Map(
      Object.entries(this.#draft.tables ?? {}).flatMap(([table, { columns }]) =>
        columns.map(({ name, type }) => [[tableScope(table), name].join('.'), type] as const),
      ),
    );
  }

  /** Sampled texts of personal fields. They may occur in other texts, even if their rows are not recorded. */
  #otherSamples(): string[] {
    const { customer, types } = this.#draft;
    const personal = new Set(
      this.#written.types.flatMap(({ fields }) =>
        fields.flatMap(({ draft, privacy }) =>
          privacy?.category === 'NONE' && privacy.isRecognised ? [] : [draft],
        ),
      ),
    );
    const left = [customer, ...Object.values(types)].flatMap((type) =>
      type.fields.filter((field) => this.#written.leftOut.has(`${type.name}.${field.name}`)),
    );
    return [...personal, ...left]
      .filter(({ type }) => type === 'String' || type === 'ID')
      .flatMap(({ samples }) => samples.filter((sample) => typeof sample === 'string'));
  }

  #replaced(value: string | number, place: Place | undefined): string | number | undefined {
    if (place?.treatment === 'removed') return undefined;
    if (place?.treatment === 'constant') return value;
    if (place?.treatment === 'unchanged')
      return typeof value === 'string' ? this.#values.replaceKnown(value) : value;
    if (typeof value === 'string') return this.#values.replace(value);
    if (place?.unit !== undefined) return moveMoment(value, place.unit, this.#values.days);
    const replacement = Number(this.#values.replace(String(value)));
    return Number.isFinite(replacement) ? replacement : value;
  }

  #walk(visitor: Visitor): ReplacedRecords {
    const { calls, tables = {}, system = {} } = this.#draft;
    const used = Object.keys(calls).filter((name) => this.#written.calls.has(name));
    const usedTables = new Set(used.flatMap((name) => tablesOf(this.#draft, name)));
    const walkedTables = Object.entries(tables)
      .filter(([name]) => usedTables.has(name))
      .map(([name, table]) => [name, this.#walkTable(name, table, usedTables, visitor)] as const);
    return {
      system: this.#walkSystem(system),
      calls: Object.fromEntries(used.map((name) => [name, this.#walkCall(name, visitor)])),
      ...(walkedTables.length === 0 ? {} : { tables: Object.fromEntries(walkedTables) }),
    };
  }

  #walkSystem(system: Recording['system']): Recording['system'] {
    const { description, refused } = system;
    return {
      ...system,
      ...(description === undefined ? {} : { description: this.#values.replaceDistinctive(description) }),
      ...(refused === undefined
        ? {}
        : {
            refused: {
              ...refused,
              body: JSON.parse(this.#values.replaceDistinctive(JSON.stringify(refused.body))) as Json,
            },
          }),
    };
  }

  #walkCall(name: string, visitor: Visitor): RecordedCall {
    const { call, recorded } = this.#draft.calls[name] ?? { call: {} };
    const measured = recorded?.call ?? (call as RecordedCall['call']);
    const keys = this.#places.keysOf(name);
    const { envelope, latencyMs, answers = {} } = recorded ?? {};
    const scope = answersOf(name);
    const walked = Object.fromEntries(
      Object.entries(answers).map(([key, rows]) => [
        String(visitor.value(key, keys, `keys of ${name}`) ?? key),
        rows.map((row) => this.#walkRow(row, scope, visitor)),
      ]),
    );
    const leftOut = [...this.#places.removedIn(scope), ...(this.#renamed.get(scope) ?? [])];
    return {
      call: measured,
      ...(envelope === undefined ? {} : { envelope: this.#walkRow(envelope, 'envelope', visitor) }),
      answers: walked,
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...(leftOut.length === 0 ? {} : { leftOut }),
    };
  }

  #walkTable(name: string, table: RecordedTable, used: ReadonlySet<string>, visitor: Visitor): RecordedTable {
    const scope = tableScope(name);
    const isRecorded = (column: string) => this.#places.at(scope, [column])?.treatment !== 'removed';
    const leftOut = [...(table.leftOut ?? []), ...this.#places.removedIn(scope)];
    return {
      ...table,
      ...(leftOut.length === 0 ? {} : { leftOut }),
      columns: table.columns.filter((column) => isRecorded(column.name)),
      indexes: table.indexes.filter(({ columns }) => columns.every(isRecorded)),
      foreignKeys: table.foreignKeys.filter(
        ({ columns, table: other }) => columns.every(isRecorded) && used.has(other),
      ),
      rows: table.rows.map((row) => walkMembers(row, [], { scope, places: this.#places, visitor })),
    };
  }

  #walkRow(row: Json, scope: string, visitor: Visitor): Json {
    return walkValue(row, [], { scope, places: this.#places, visitor }) ?? null;
  }
}

/** Whether the values at a place become made-up ones. Removed values are replaced in other texts. */
function isReplaced(place: Place | undefined): boolean {
  return place?.treatment !== 'constant' && place?.treatment !== 'unchanged';
}

function roleOf(value: string | number, place: Place | undefined): Role {
  if (place === undefined) return 'unknown';
  return place.role === 'measure' && typeof value === 'string' && !/^-?[\d.,]+$/.test(value)
    ? 'text'
    : place.role;
}

interface Walk {
  scope: string;
  places: Places;
  visitor: Visitor;
  /** The treatment of values inside an object or list that the mapping reads as one value. */
  outer?: Place | undefined;
}

/** Walks through a value of a row. Lists have the place of their items. Undefined removes the value. */
function walkValue(value: Json, path: readonly string[], walk: Walk): Json | undefined {
  if (Array.isArray(value))
    return value.flatMap((item) => {
      const walked = walkValue(item, path, walk);
      return walked === undefined ? [] : [walked];
    });
  const place = walk.places.at(walk.scope, path) ?? walk.outer;
  if (typeof value === 'object' && value !== null) {
    const members = walkMembers(value, path, { ...walk, outer: place });
    return place?.treatment === 'removed' ? undefined : members;
  }
  return typeof value === 'string' || typeof value === 'number'
    ? walk.visitor.value(value, place, [walk.scope, ...path].join('.'))
    : value;
}

function walkMembers(
  object: Readonly<Record<string, Json>>,
  path: readonly string[],
  walk: Walk,
): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, inner]): [string, Json][] => {
      const innerPath = [...path, name];
      const walked = walkValue(inner, innerPath, walk);
      if (walked === undefined) return [];
      const isRead = walk.places.isRead(walk.scope, innerPath);
      return [[isRead ? name : walk.visitor.member(name, walk.scope, path), walked]];
    }),
  );
}

/** The common prefixes of the ids at each place, such as `cus_`. They do not identify a person. */
function prefixesOf(found: readonly { text: string; at: string }[]): Map<string, string> {
  const byPlace = new Map<string, Set<string>>();
  for (const { text, at } of found)
    byPlace.set(at, (byPlace.get(at) ?? new Set()).add(decodedId(text) ?? text));
  return new Map(
    [...byPlace].flatMap(([at, texts]) => {
      const prefix = commonPrefix([...texts]);
      return prefix === '' ? [] : [[at, prefix] as const];
    }),
  );
}

const MIN_VALUES_WITH_PREFIX = 2;

function commonPrefix(texts: readonly string[]): string {
  const [first = '', ...others] = texts;
  if (texts.length < MIN_VALUES_WITH_PREFIX || texts.some((text) => !/\d/.test(text) || /[@\s]/.test(text)))
    return '';
  let length = 0;
  while (length < first.length && others.every((text) => text.startsWith(first.slice(0, length + 1))))
    length += 1;
  const [common = ''] = /^(?:.*[^A-Za-z\d]|\D*)/.exec(first.slice(0, length)) ?? [];
  // The first characters of a UUID or of a number are not a prefix.
  return /^[A-Za-z][\w:/.+-]*$/.test(common) && !/^[\da-f-]*$/i.test(common) ? common : '';
}
