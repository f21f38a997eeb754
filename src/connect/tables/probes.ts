import { InvalidInputError } from '../../errors.js';
import type { Finding } from '../draft.js';
import { nearMiss, otherCase, unknownKey } from '../probe-keys.js';
import { secretColumn, type KeyLookup } from './key-lookup.js';
import type { MeasuredLink } from './table-draft.js';
import { shownLink, type Link } from './table-plan.js';
import { keyIn, shown, type Column, type Row, type Table } from './table.js';

/** The keys sent to measure lookups and links, and the findings from the rows in the answer. */

/** The number of owners whose rows are read. */
const MAX_OWNERS = 50;
/** The number of rows read from each list. */
export const ROWS_OF_LIST = 4;

const LARGEST: Readonly<Record<string, number>> = {
  smallint: 32_749,
  integer: 2_147_483_629,
  bigint: 9_007_199_254_740_881,
};

/** An unknown key, of the type of the column. */
export function unknownKeyOf({ value: { keys = 'text' } }: Column, known?: string): string | number {
  if (keys === 'uuid') return '00000000-0000-4000-8000-000000000001';
  return LARGEST[keys] ?? unknownKey(known, 'text', 1);
}

/** A value as the parameter of a key. Databases compare numbers with texts loosely, or not at all. */
export function keyParameter({ value: { keys } }: Column, value: unknown): string | number {
  const text = String(value);
  return keys === 'text' || keys === 'uuid' || !Number.isSafeInteger(Number(text)) ? text : Number(text);
}

export interface KeyProbe {
  /** The key of a person in the other case, or else the key itself; a part of it; and an unknown key. */
  keys: readonly (string | number)[];
  /** The findings from the rows. Throws an InvalidInputError if an unknown key finds a record. */
  findings(rows: readonly Row[]): Finding[];
}

export function keyProbe(table: Table, { key: { column }, isLower, known }: KeyLookup): KeyProbe {
  const place = `${shown(table.name)}.${shown(column.name)}`;
  const text = String(known);
  const isText = column.value.keys === 'text';
  const changed = isText ? otherCase(text) : undefined;
  const near = isText ? nearMiss(text) : undefined;
  const unknown = unknownKeyOf(column, text);
  const requested = new Set([text, near ?? text, String(unknown)].map((value) => value.toLowerCase()));
  return {
    keys: [changed ?? known, ...(near === undefined ? [] : [near]), unknown].map((value) =>
      isLower ? String(value).toLowerCase() : keyParameter(column, value),
    ),
    findings: (rows) => {
      const held = rows.map((row) => keyIn(row, column.name) ?? '');
      if (held.some((value) => !requested.has(value.toLowerCase())))
        throw new InvalidInputError(
          `${place} returns records for an unknown key, so it is refused. Choose another table with --by.`,
        );
      const found = held.filter((value) => value === text).length;
      const ofCase =
        changed === undefined ? '' : `, and ${found > 0 ? 'is case-insensitive' : 'is case-sensitive'}`;
      return [
        {
          step: 'measure',
          text: `${place} finds no record by an unknown key or by a part of a key${ofCase}.`,
        },
        ...(found > 1
          ? [
              {
                step: 'measure',
                text: `${place}: several rows have the same key.`,
                isWarning: true,
              } satisfies Finding,
            ]
          : []),
      ];
    },
  };
}

/**
 * The keys of the rows to read, from the sampled rows of the owner. Empty if no row of the owner was read.
 */
export function linkKeys(
  link: Link,
  person: Table,
  persons: readonly Row[],
  before: readonly MeasuredLink[],
): (string | number)[] {
  const owners =
    link.owner.name === person.name
      ? persons
      : before.flatMap((measured) => (measured.link.target.name === link.owner.name ? measured.rows : []));
  const values = new Set(owners.map((row) => row[link.ownerColumn]).filter((value) => value != null));
  return [...values].slice(0, MAX_OWNERS).map((value) => keyParameter(link.by, value));
}

/** The finding from the rows of a link. `isUsed` is false if the link is left out. */
export function linkFinding(
  link: Link,
  { keys, rows, keyColumn }: { keys: readonly unknown[]; rows: readonly Row[]; keyColumn: string },
): { isUsed: boolean; finding: Finding } {
  const found = (text: string, isUsed: boolean, isWarning = false) => ({
    isUsed,
    finding: { step: 'measure', text, ...(isWarning ? { isWarning } : {}) } satisfies Finding,
  });
  if (rows.length === 0)
    return found(
      `None of ${keys.length} sampled rows has one in ${shownLink(link)}, so it is left out.`,
      false,
    );
  const secret = secretColumn(link.target, rows);
  if (secret !== undefined)
    return found(
      `${shown(link.target.name)} is left out, because the values of ${shown(secret)} look like secrets. Make a view without them.`,
      false,
      true,
    );
  const count = new Set(rows.map((row) => keyIn(row, keyColumn))).size;
  const why = link.isInferred ? '. Only the names link them, not a foreign key' : '';
  return found(
    `${shownLink(link)}: ${count} of ${keys.length} sampled keys have rows${why}.`,
    true,
    link.isInferred,
  );
}
