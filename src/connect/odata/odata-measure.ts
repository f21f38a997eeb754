import type { ListStyle } from '../../connectors/odata/query.js';
import { InvalidInputError } from '../../errors.js';
import type { CallBudget } from '../call-budget.js';
import type { Finding } from '../draft.js';
import { otherCase } from '../probe-keys.js';
import type { Questions } from '../reader.js';
import type { MeasuredKey, MeasuredLink } from '../tables/table-draft.js';
import { isSecretValue } from '../tables/table-names.js';
import { orderOf, plannedKeys, planTables, shownLink } from '../tables/table-plan.js';
import type { Link, PlannedKey, TablePlan } from '../tables/table-plan.js';
import { SECRET, shown, shownList, type Column, type Row, type Table } from '../tables/table.js';
import type { OdataAnswer, OdataProbe } from './odata-client.js';
import { isSameText, KeyMeasurer, placeOf, type KnownKey } from './odata-keys.js';
import { flatRow, keysOf, listPath, type ListRequest } from './odata-query.js';

/** Measures how an OData service finds persons, and reads their lists. */

const SAMPLE_SIZE = 20;
const MAX_LINKS = 4;
/** Records whose lists are read. */
const MAX_OWNERS = 8;
const MEASURED_PAGE = 20;
const DECLARED_PAGE = 100;
const MAX_PAGES = 20;
/** A further key takes a call for its comparison, and one for its batch. */
const CALLS_OF_KEY = 2;
/** The last call shows a customer. */
const CALLS_AFTER = 1;

export interface MeasuredService {
  plan: TablePlan;
  persons: readonly Row[];
  keys: readonly MeasuredKey[];
  links: readonly MeasuredLink[];
  /** The records as the service returned them, of persons and by link. */
  records: readonly Row[];
  linkRecords: ReadonlyMap<MeasuredLink, readonly Row[]>;
  lists: ListStyle['lists'];
  maxValues: number | undefined;
  maxUrlLength: number | undefined;
}

export interface MeasurerOptions {
  probe: OdataProbe;
  budget: CallBudget;
  questions: Questions;
  tables: readonly Table[];
  /** The longest text of a column, if the service says so. */
  maxLengthOf: (table: Table, column: string) => number | undefined;
}

export class OdataMeasurer {
  readonly findings: Finding[] = [];
  readonly #options: MeasurerOptions;
  readonly #keys: KeyMeasurer;
  /** Whether the service makes pages of the requested size. */
  #honoursPageSize = false;

  constructor(options: MeasurerOptions) {
    this.#options = options;
    const find = (text: string, isWarning?: boolean): void => {
      this.#find(text, isWarning);
    };
    this.#keys = new KeyMeasurer({ ...options, find });
  }

  async measure(person: Table): Promise<MeasuredService> {
    const { tables, budget } = this.#options;
    const { table, records } = await this.#sample(person);
    const plan = planTables(
      table,
      tables.map((other) => (other.name === table.name ? table : other)),
      MAX_LINKS,
    );
    const persons = records.map((record) => flatRow(plan.person, record));
    const found = await this.#knownKeys(plan, persons);
    const reserved = CALLS_AFTER + plan.links.length + 1;
    const keys: MeasuredKey[] = [];
    for (const [i, known] of found.entries()) {
      const rest = reserved + CALLS_OF_KEY * (found.length - i - 1);
      if (i > 0 && budget.left < CALLS_OF_KEY + CALLS_AFTER) {
        this.#find(
          `${placeOf(plan.person, known.key)} was not measured, because too few calls were left.`,
          true,
        );
        continue;
      }
      const measured = await this.#keys.measure(plan.person, known, rest);
      if (measured !== undefined) keys.push(measured);
    }
    if (keys.length === 0)
      throw new InvalidInputError(
        [
          `No property of ${shown(person.name)} finds one person.`,
          ...this.findings.filter(({ isWarning }) => isWarning).map(({ text }) => text),
          'Choose another entity set with --by.',
        ].join(' '),
      );
    const links: MeasuredLink[] = [];
    const linkRecords = new Map<MeasuredLink, readonly Row[]>();
    for (const link of plan.links) {
      if (budget.left <= CALLS_AFTER) {
        this.#find(`${shownLink(link)} was not measured, because too few calls were left.`, true);
        continue;
      }
      const measured = await this.#measureLink(plan, link, { persons, links });
      if (measured === undefined) continue;
      links.push(measured.link);
      linkRecords.set(measured.link, measured.records);
    }
    return {
      ...{ plan, persons, keys, links, records, linkRecords },
      ...{ lists: this.#keys.style.lists, ...this.#keys.bounds },
    };
  }

  #find(text: string, isWarning = false): void {
    this.findings.push({ step: 'measure', text, ...(isWarning ? { isWarning } : {}) });
  }

  #list(request: ListRequest, pageSize?: number): Promise<OdataAnswer> {
    return this.#options.probe.list(listPath(request), pageSize);
  }

  /** Reads some persons, and leaves out the columns whose values look like secrets. */
  async #sample(person: Table): Promise<{ table: Table; records: readonly Row[] }> {
    const { rows, status } = await this.#list({ table: person, top: SAMPLE_SIZE });
    if (rows === undefined) {
      this.#find(`${shown(person.name)} was not listed (status ${status}), so there are no samples.`, true);
      return { table: person, records: [] };
    }
    this.#find(`${rows.length} records of ${shown(person.name)} were read as samples.`);
    const isSecret = ({ name }: Column) => rows.some((row) => isSecretValue(flatRow(person, row)[name]));
    const secret = person.columns.filter(isSecret).map(({ name }) => name);
    if (secret.length > 0)
      this.#find(
        `Left out, because ${SECRET}: ${shownList(secret.map((name) => `${person.name}.${name}`))}.`,
        true,
      );
    const columns = person.columns.filter(({ name }) => !secret.includes(name));
    return { table: { ...person, columns }, records: rows.slice(0, SAMPLE_SIZE) };
  }

  /** The keys with a value of a person that the service knows. */
  async #knownKeys(plan: TablePlan, persons: readonly Row[]): Promise<KnownKey[]> {
    const found: KnownKey[] = [];
    for (const key of plannedKeys(plan.person)) {
      const known = await this.#knownKey(plan.person, key, persons);
      if (known !== undefined) found.push({ key, known });
    }
    return found;
  }

  async #knownKey(table: Table, key: PlannedKey, persons: readonly Row[]): Promise<string | undefined> {
    const { column, kind } = key;
    const place = placeOf(table, key);
    if (persons.length === 0) {
      const why = `${place} is measured with the key of a person that the service knows.`;
      const [known] = await this.#options.questions.keys(kind, why);
      if (known === undefined)
        this.#find(`${place} needs a key of a person. Pass one with --key ${kind}=...`, true);
      return known;
    }
    const texts = persons
      .map((row) => row[column.name])
      .filter((value) => typeof value === 'string' || typeof value === 'number')
      .map(String)
      .filter((text) => text !== '');
    const because =
      texts.length === 0
        ? 'has no value in the samples'
        : kind === 'number' && !key.isUnique && new Set(texts).size < texts.length
          ? 'repeats in the samples'
          : kind === 'phone' && !texts.every((text) => /^\+\d{8,15}$/.test(text))
            ? 'has phone numbers that are not in the form +31201234567'
            : texts.some((text) => text !== text.trim())
              ? 'has values with blanks around them'
              : undefined;
    if (because !== undefined) {
      this.#find(`${place} ${because}, so nobody is found by it.`);
      return undefined;
    }
    return texts.find((text) => otherCase(text) !== undefined) ?? texts[0];
  }

  /** Reads some records of a link. Undefined if it cannot be declared. */
  async #measureLink(
    plan: TablePlan,
    link: Link,
    { persons, links }: { persons: readonly Row[]; links: readonly MeasuredLink[] },
  ): Promise<{ link: MeasuredLink; records: readonly Row[] } | undefined> {
    const owners =
      link.owner.name === plan.person.name
        ? persons
        : links.flatMap((before) => (before.link.target.name === link.owner.name ? before.rows : []));
    const values = [
      ...new Set(owners.map((row) => row[link.ownerColumn]).filter((value) => value != null && value !== '')),
    ]
      .map(String)
      .slice(0, Math.min(MAX_OWNERS, this.#keys.limit));
    if (values.length === 0) return undefined;
    const { target, by } = link;
    const order = link.isList ? orderOf(link) : undefined;
    // The grammar sorts by the properties of the record itself.
    const sorted = order?.columns.every((name) => !name.includes('.')) === true ? order : undefined;
    const keys = { column: by, values, style: this.#keys.style };
    const isCounted = link.isList && this.#keys.style.version;
    let sent = await this.#list(
      {
        ...{ table: target, keys },
        ...(sorted === undefined ? {} : { order: sorted.columns }),
        ...(isCounted === false ? {} : { count: isCounted }),
      },
      MEASURED_PAGE,
    );
    if (sent.rows === undefined && this.#options.budget.left > CALLS_AFTER)
      sent = await this.#list({ table: target, keys }, MEASURED_PAGE);
    const isUsable = this.#checkList(link, sent, values);
    if (!isUsable) return undefined;
    const first = sent.rows ?? [];
    const rest = sent.next === undefined ? [] : await this.#nextPage(link, sent.next, first);
    const records = [...first, ...rest];
    const rows = records.map((record) => flatRow(target, record));
    const secret = target.columns.find(({ name }) => rows.some((row) => isSecretValue(row[name])));
    if (secret !== undefined) {
      this.#find(
        `${shown(target.name)} is left out, because the values of ${shown(secret.name)} look like secrets.`,
        true,
      );
      return undefined;
    }
    const type = keysOf(by.value.keys);
    const pageSize =
      sent.next === undefined ? undefined : this.#honoursPageSize ? DECLARED_PAGE : first.length;
    const ofOneKey = Math.max(1, Math.ceil((sent.count ?? records.length) / values.length));
    const room = pageSize === undefined ? Infinity : Math.floor((pageSize * MAX_PAGES) / (4 * ofOneKey));
    const call = {
      ...{ set: target.name, by: by.name.replaceAll('.', '/') },
      ...(type === 'text' ? {} : { keys: type }),
      ...(sorted === undefined ? {} : { order: [...sorted.columns] }),
      ...(link.isList
        ? { page: { ...(this.#honoursPageSize ? { size: DECLARED_PAGE } : {}), maxPages: MAX_PAGES } }
        : {}),
      maxBatch: Math.max(1, Math.min(this.#keys.limit, room)),
    };
    return { link: { link, call, order: sorted, rows, keyColumn: by.name }, records };
  }

  #checkList(link: Link, { rows, status, next, count }: OdataAnswer, values: readonly string[]): boolean {
    const place = shownLink(link);
    if (rows === undefined) {
      this.#find(`${place} was not read (status ${status}), so it is left out.`, true);
      return false;
    }
    if (rows.length === 0) {
      this.#find(`None of ${values.length} sampled records has one in ${place}, so it is left out.`);
      return false;
    }
    const held = rows.map((row) => String(flatRow(link.target, row)[link.by.name]));
    if (held.some((text) => !values.some((value) => isSameText(text, value)))) {
      this.#find(`${place} returns records of other keys, so it is left out.`, true);
      return false;
    }
    if (next === undefined && count !== undefined && count > rows.length) {
      this.#find(
        `${place} ends after ${rows.length} of ${count} records without a link to the rest. It would look complete, so it is left out.`,
        true,
      );
      return false;
    }
    const found = new Set(held).size;
    this.#find(
      `${place}: ${found} of ${values.length} sampled keys have records${link.isInferred ? '. No constraint says so, only the names' : ''}.`,
      link.isInferred,
    );
    return true;
  }

  /** Reads the next page of a list once, to see that it continues. */
  async #nextPage(link: Link, next: string, first: readonly Row[]): Promise<readonly Row[]> {
    this.#honoursPageSize = first.length === MEASURED_PAGE;
    if (this.#options.budget.left <= CALLS_AFTER) return [];
    const { rows } = await this.#options.probe.list(next, MEASURED_PAGE);
    const seen = new Set(first.map((row) => JSON.stringify(row)));
    const other = (rows ?? []).filter((row) => !seen.has(JSON.stringify(row)));
    this.#find(
      `${shownLink(link)} continues by a link: a page has ${first.length} records${this.#honoursPageSize ? ', as requested' : ''}, and the next one ${other.length} others.`,
      other.length === 0,
    );
    return other;
  }
}
