import type { RecordedTable } from '../../recordings/recording.js';
import type { Draft, DraftCall, DraftField, DraftType, Finding } from '../draft.js';
import { uniqueName, tableFields, type TableFields, type ZoneGuess } from './table-fields.js';
import { linkName, nameWords, typeName } from './table-names.js';
import type { Link, PlannedKey, RowOrder, TablePlan } from './table-plan.js';
import { keyIn, pathOfColumn, shownList, type Column, type Row, type Table } from './table.js';
import { camelCase } from '../words.js';

/** Makes the types, calls and recorded tables of a source from its plan and the rows that were read. */

export interface MeasuredKey {
  key: PlannedKey;
  /** The call in the syntax of a declaration. */
  call: Readonly<Record<string, unknown>>;
}

export interface MeasuredLink {
  link: Link;
  /** The call in the syntax of a declaration. */
  call: Readonly<Record<string, unknown>>;
  order: RowOrder | undefined;
  /** The rows with the column of the key, which may be from a table between the two. */
  rows: readonly Row[];
  /** The name of the column of the key in these rows. */
  keyColumn: string;
}

export interface TableDraftOptions {
  source: string;
  plan: TablePlan;
  persons: readonly Row[];
  keys: readonly MeasuredKey[];
  links: readonly MeasuredLink[];
  zone: ZoneGuess;
  isText: (table: Table) => boolean;
  /**
   * Whether the system has constraints, and sorts lists itself. Files have no constraints and the gateway
   * sorts their lists.
   */
  hasConstraints: boolean;
  latencyMs: { p50: number; p95: number } | undefined;
}

export type TableDraft = Pick<Draft, 'calls' | 'customer' | 'types'> & {
  tables: Readonly<Record<string, RecordedTable>>;
  findings: readonly Finding[];
};

/** The number of persons in the recording, with their rows in other tables. */
const RECORDED_PERSONS = 12;

export function tableDraft(options: TableDraftOptions): TableDraft {
  return new TableDrafter(options).draft();
}

class TableDrafter {
  readonly #options: TableDraftOptions;
  readonly #tables: readonly Table[];
  readonly #types = new Map<string, string>();
  readonly #fields = new Map<string, TableFields>();
  readonly #findings: Finding[] = [];

  constructor(options: TableDraftOptions) {
    this.#options = options;
    const { plan, links } = options;
    this.#tables = [
      ...new Map(
        [plan.person, ...links.map(({ link }) => link.target)].map((table) => [table.name, table]),
      ).values(),
    ];
  }

  draft(): TableDraft {
    const { source, plan, keys, links } = this.#options;
    const names = new Set<string>();
    for (const [i, table] of this.#tables.entries()) {
      const name = uniqueName(typeName(source, table.plainName, i + 1), names);
      names.add(name);
      this.#types.set(table.name, name);
      this.#fields.set(table.name, this.#fieldsOf(table));
    }
    const calls = new Map<string, DraftCall>();
    for (const measured of keys) {
      const name = uniqueName(callName(['by', ...nameWords(measured.key.column.name)], 'byKey'), calls);
      const key = pathOfColumn(measured.key.column.name);
      calls.set(
        name,
        this.#callOf(measured.call, { key, findsCustomers: true, isUnique: measured.key.isUnique }),
      );
    }
    const types = new Map<string, DraftType>();
    for (const table of this.#tables) types.set(table.name, this.#typeOf(table, calls));
    const customer = types.get(plan.person.name);
    if (customer === undefined) throw new TypeError('the plan has no table of persons');
    const reached = links.map(({ link }) => types.get(link.target.name)).filter((type) => type !== undefined);
    return {
      calls: Object.fromEntries(calls),
      customer,
      types: Object.fromEntries(reached.map((type) => [type.name, type])),
      tables: this.#recordedTables(),
      findings: this.#findings,
    };
  }

  #callOf(call: MeasuredKey['call'], of: Omit<DraftCall, 'call' | 'recorded'>): DraftCall {
    const { latencyMs } = this.#options;
    return {
      ...{ call, ...of },
      recorded: {
        call: call as Record<string, string>,
        answers: {},
        ...(latencyMs === undefined ? {} : { latencyMs }),
      },
    };
  }

  #rowsOf(table: Table): Row[] {
    const { plan, persons, links } = this.#options;
    return [
      ...(table === plan.person ? persons : []),
      ...links.flatMap(({ link, rows }) => (link.target.name === table.name ? rows : [])),
    ];
  }

  #fieldsOf(table: Table): TableFields {
    const { links, keys, plan, zone, isText } = this.#options;
    const outgoing = links.filter(({ link }) => link.owner.name === table.name);
    const incoming = links.filter(
      ({ link }) => link.target.name === table.name && link.through === undefined,
    );
    const keyColumns = keys.filter(({ key }) => key.kind === 'id').map(({ key }) => key.column.name);
    const ids = [
      ...table.primaryKey,
      ...table.foreignKeys.flatMap(({ columns }) => columns),
      ...(table === plan.person ? keyColumns : []),
    ];
    const omitted = [
      ...incoming.filter(({ link }) => link.isList).map(({ link }) => link.by.name),
      // A column of the primary key sorts the rows, too.
      ...outgoing
        .filter(({ link }) => isReference(link) && !table.primaryKey.includes(link.ownerColumn))
        .map(({ link }) => link.ownerColumn),
    ];
    const fields = tableFields({
      ...{ table, zone, rows: this.#rowsOf(table), isText: isText(table) },
      ...{ ids: new Set(ids), omitted: new Set(omitted) },
    });
    if (fields.leftOut.length > 0)
      this.#findings.push({
        step: 'measure',
        text: `Left out, because their values fit no type: ${shownList(fields.leftOut.map((name) => `${table.name}.${name}`))}.`,
        isWarning: true,
      });
    return fields;
  }

  #typeOf(table: Table, calls: Map<string, DraftCall>): DraftType {
    const { plan, keys, links } = this.#options;
    const columns = this.#fields.get(table.name);
    const fields = [...(columns?.fields ?? [])];
    const names = new Set(fields.map(({ name }) => name));
    for (const measured of links.filter(({ link }) => link.owner.name === table.name)) {
      const field = this.#linkField(measured, names, calls);
      names.add(field.name);
      fields.push(field);
    }
    const key = keys.find((measured) => measured.key.kind === 'id')?.key.column.name;
    const [primary] = table.primaryKey.length === 1 ? table.primaryKey : [];
    const id = table === plan.person ? (key ?? primary) : primary;
    const words = nameWords(table.plainName).join(' ') || 'rows';
    return {
      name: this.#types.get(table.name) ?? '',
      description: table.description ?? `${words.replace(/^./, (first) => first.toUpperCase())}.`,
      ...(id === undefined ? {} : { id: pathOfColumn(id) }),
      fields,
    };
  }

  #linkField(measured: MeasuredLink, names: ReadonlySet<string>, calls: Map<string, DraftCall>): DraftField {
    const { link, call, order } = measured;
    const { owner, ownerColumn, target, isList, isInferred } = link;
    const plain = isReference(link)
      ? callName(withoutId(nameWords(ownerColumn)), linkName(target.plainName, owner.plainName, false))
      : linkName(target.plainName, owner.plainName, isList);
    const name = uniqueName(
      names.has(plain)
        ? callName([...nameWords(plain), 'by', ...withoutId(nameWords(link.by.name))], plain)
        : plain,
      names,
    );
    const named = uniqueName(
      calls.has(name) ? callName([...nameWords(owner.plainName), ...nameWords(name)], name) : name,
      calls,
    );
    const key = pathOfColumn(ownerColumn);
    calls.set(
      named,
      this.#callOf(call, { key, findsCustomers: false, isUnique: !isList && this.#options.hasConstraints }),
    );
    const listOrder = isList && order?.hasPages === true ? this.#orderFields(target, order) : undefined;
    return {
      ...{ name, from: '.', type: this.#types.get(target.name) ?? '', isList, isNullable: true, samples: [] },
      ...(target.description === undefined ? {} : { description: target.description }),
      call: { name: named, key, ...(listOrder === undefined ? {} : { order: listOrder }) },
      ...(isInferred ? { check: 'Only the names of the columns show this, not a foreign key.' } : {}),
    };
  }

  /** The order, by names of fields. */
  #orderFields(target: Table, { columns }: RowOrder): readonly [string, string] | undefined {
    const of = this.#fields.get(target.name);
    const fields = columns.map((column) => {
      const wanted = column.replace(/^-/, '');
      const name = [...(of?.columns ?? [])].find(([, found]) => found === wanted)?.[0];
      const field = of?.fields.find((candidate) => candidate.name === name);
      const isSortable =
        field !== undefined &&
        /^(ID|String|Date|DateTime)$/.test(field.type) &&
        (!this.#options.hasConstraints || !field.isNullable);
      return isSortable ? `${column.startsWith('-') ? '-' : ''}${field.name}` : undefined;
    });
    const [first, second] = fields;
    return first === undefined || second === undefined ? undefined : [first, second];
  }

  /** Some persons with their rows in the other tables, so that joins find rows. */
  #recordedTables(): Record<string, RecordedTable> {
    const { plan, persons, links } = this.#options;
    const rows = new Map<string, Set<Row>>();
    const record = (table: Table, row: Row): void => {
      const found = rows.get(table.name) ?? new Set<Row>();
      if (found.has(row)) return;
      rows.set(table.name, found.add(row));
      for (const measured of links.filter(({ link }) => link.owner.name === table.name))
        for (const linked of rowsOf(measured, row)) record(measured.link.target, linked);
    };
    for (const person of choosePersons(plan, persons, links)) record(plan.person, person);
    const recorded = new Map(
      this.#tables.map((table) => [
        table.name,
        recordedTable(table, distinct([...(rows.get(table.name) ?? [])], table)),
      ]),
    );
    for (const measured of links) {
      const { through, by, target } = measured.link;
      if (through === undefined) continue;
      const recordedRows = rows.get(target.name) ?? new Set();
      const pairs = measured.rows
        .filter((row) => recordedRows.has(row))
        .map((row) => ({
          [by.name]: row[measured.keyColumn],
          [through.targetColumn]: row[through.references],
        }));
      const isKey = ({ name }: Column) => name === by.name || name === through.targetColumn;
      const unread = through.table.columns.filter((column) => !isKey(column));
      const keys: Table = {
        ...through.table,
        columns: through.table.columns.filter(isKey),
        leftOut: [
          ...through.table.leftOut,
          ...unread.map(({ name }) => ({ column: name, because: 'only the keys are read' })),
        ],
      };
      recorded.set(through.table.name, recordedTable(keys, distinct(pairs, keys)));
    }
    const isRecorded = ({ table }: { table: string }) => recorded.has(table);
    return Object.fromEntries(
      [...recorded].map(([name, table]) => [
        name,
        { ...table, foreignKeys: table.foreignKeys.filter(isRecorded) },
      ]),
    );
  }
}

/** Whether the owner has the key of a row of another table, such as that of a product. */
function isReference({ owner, target, ownerColumn }: Link): boolean {
  return owner.foreignKeys.some(({ columns, table }) => columns[0] === ownerColumn && table === target.name);
}

function withoutId(all: readonly string[]): string[] {
  return all.filter((word, i) => i === 0 || !/^(id|nr|no|num|number|key|code|uuid|fk)$/.test(word));
}

/** Converts a text to a name of letters and digits. */
function callName(all: readonly string[], otherwise: string): string {
  const ascii = all.map((word) => word.replace(/[^a-z\d]/g, '')).filter((word) => word !== '');
  return /^[a-z]/.test(ascii[0] ?? '') ? camelCase(ascii).slice(0, 60) : otherwise;
}

/** The measured rows of a link that belong to a row of its owner. */
function rowsOf({ link, rows, keyColumn }: MeasuredLink, owner: Row): Row[] {
  const key = keyIn(owner, link.ownerColumn);
  return key === undefined ? [] : rows.filter((row) => keyIn(row, keyColumn) === key);
}

/** Persons that together have rows in as many tables as possible, one for each link with rows. */
function choosePersons(plan: TablePlan, persons: readonly Row[], links: readonly MeasuredLink[]): Row[] {
  const reach = (table: Table, row: Row, found: Set<MeasuredLink>): Set<MeasuredLink> => {
    for (const measured of links.filter(({ link }) => link.owner.name === table.name))
      for (const linked of rowsOf(measured, row)) {
        found.add(measured);
        reach(measured.link.target, linked, found);
      }
    return found;
  };
  const reached = persons.map((row) => ({ row, links: reach(plan.person, row, new Set()) }));
  const best = reached.toSorted((a, b) => b.links.size - a.links.size);
  const chosen = best.slice(0, RECORDED_PERSONS);
  for (const measured of links)
    if (!chosen.some((person) => person.links.has(measured))) {
      const other = best.find((person) => person.links.has(measured));
      if (other !== undefined) chosen.push(other);
    }
  return chosen.map(({ row }) => row);
}

/** Distinct rows, compared by their columns. */
function distinct(rows: readonly Row[], { columns }: Table): Row[] {
  const plain = rows.map((row) => Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null])));
  return [...new Map(plain.map((row) => [JSON.stringify(row), row])).values()];
}

function recordedTable(table: Table, rows: readonly Row[]): RecordedTable {
  const has = (name: string) => table.columns.some((column) => column.name === name);
  return {
    ...(table.files === undefined ? {} : { files: table.files }),
    columns: table.columns.map(({ name, type, isNullable }) => ({ name, type, isNullable })),
    ...(table.leftOut.length === 0 ? {} : { leftOut: table.leftOut.map(({ column }) => column) }),
    primaryKey: table.primaryKey.every(has) ? [...table.primaryKey] : [],
    indexes: table.indexes.map(({ columns, isUnique }) => ({ columns: [...columns], isUnique })),
    foreignKeys: table.foreignKeys
      .filter(({ columns }) => columns.every(has))
      .map(({ columns, table: other, references }) => ({
        columns: [...columns],
        table: other,
        references: [...references],
      })),
    rows: rows as RecordedTable['rows'],
    ...(table.rowCount === undefined ? {} : { rowCount: Math.round(table.rowCount) }),
  };
}
