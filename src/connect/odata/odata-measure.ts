import type { ListStyle } from '../../connectors/odata/query.js';
import { InvalidInputError } from '../../errors.js';
import type { CallBudget } from '../call-budget.js';
import type { Finding } from '../draft.js';
import type { Questions } from '../reader.js';
import type { MeasuredKey, MeasuredLink } from '../tables/table-draft.js';
import { keyLookup, withoutSecretValues } from '../tables/key-lookup.js';
import { linkFinding, linkKeys } from '../tables/probes.js';
import { orderOf, planTables, shownLink } from '../tables/table-plan.js';
import type { Link, TablePlan } from '../tables/table-plan.js';
import { shown, type Row, type Table } from '../tables/table.js';
import type { OdataAnswer, OdataProbe } from './odata-client.js';
import { isSameText, KeyMeasurer, placeOf, type KnownKey } from './odata-keys.js';
import { flatRow, keysOf, listPath, type ListRequest } from './odata-query.js';

/** Measures how an OData service finds persons, and reads their lists. */

const SAMPLE_SIZE = 20;
const MAX_LINKS = 4;
/** The number of records whose lists are read. */
const MAX_OWNERS = 8;
/** An unusual page size: a page of exactly this size shows that the service honours the preference. */
const MEASURED_PAGE = 17;
const DECLARED_PAGE = 100;
const MAX_PAGES = 20;
/** Another key takes one call for its comparison, and one for its batch. */
const CALLS_OF_KEY = 2;
/** The last call is reserved for showing a customer. */
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
  /** The maximum length of a text in a column, if the service declares it. */
  maxLengthOf: (table: Table, column: string) => number | undefined;
}

export class OdataMeasurer {
  readonly findings: Finding[] = [];
  readonly #options: MeasurerOptions;
  readonly #keys: KeyMeasurer;
  /** Whether the service returns pages of the requested size. */
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
    const planned = planTables(person, relatedTables(tables), MAX_LINKS);
    const records = await this.#sample(planned.person);
    const {
      plan,
      rows: persons,
      findings,
    } = withoutSecretValues(
      planned,
      records.map((record) => flatRow(planned.person, record)),
    );
    this.findings.push(...findings);
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

  async #sample(person: Table): Promise<readonly Row[]> {
    const { rows, status } = await this.#list({ table: person, top: SAMPLE_SIZE });
    if (rows === undefined)
      this.#find(`${shown(person.name)} was not listed (status ${status}), so there are no samples.`, true);
    else this.#find(`${rows.length} records of ${shown(person.name)} were read as samples.`);
    return rows?.slice(0, SAMPLE_SIZE) ?? [];
  }

  /** The keys with a value of a person that the service knows. */
  async #knownKeys({ person, keys }: TablePlan, persons: readonly Row[]): Promise<KnownKey[]> {
    const found: KnownKey[] = [];
    for (const key of keys) {
      if (persons.length > 0) {
        const options = { table: person, rows: persons, isLarge: false, hasIndexes: true };
        const { lookup, findings } = keyLookup(key, options);
        this.findings.push(...findings);
        if (lookup !== undefined) found.push({ key, known: String(lookup.known) });
        continue;
      }
      const place = placeOf(person, key);
      const why = `${place} is measured with the key of a person that the service knows.`;
      const [known] = await this.#options.questions.keys(key.kind, why);
      if (known === undefined)
        this.#find(`${place} needs a key of a person. Pass one with --key ${key.kind}=...`, true);
      else found.push({ key, known });
    }
    return found;
  }

  /** Reads some records of a link. Undefined if it cannot be declared. */
  async #measureLink(
    plan: TablePlan,
    link: Link,
    { persons, links }: { persons: readonly Row[]; links: readonly MeasuredLink[] },
  ): Promise<{ link: MeasuredLink; records: readonly Row[] } | undefined> {
    const values = linkKeys(link, plan.person, persons, links)
      .map(String)
      .slice(0, Math.min(MAX_OWNERS, this.#keys.limit));
    if (values.length === 0) return undefined;
    const { target, by } = link;
    const order = link.isList ? orderOf(link) : undefined;
    // A declaration sorts only by properties of the record itself.
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
    if (!this.#checkList(link, sent, values)) return undefined;
    const first = sent.rows ?? [];
    const rest = sent.next === undefined ? [] : await this.#nextPage(link, sent.next, first);
    const records = [...first, ...rest];
    const rows = records.map((record) => flatRow(target, record));
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
    const held = rows.map((row) => String(flatRow(link.target, row)[link.by.name]));
    if (held.some((text) => !values.some((value) => isSameText(text, value)))) {
      this.#find(`${place} returns records of other keys, so it is left out.`, true);
      return false;
    }
    if (next === undefined && count !== undefined && count > rows.length) {
      this.#find(
        `${place} ends after ${rows.length} of ${count} records without a link to the next page. An incomplete list would look complete, so it is left out.`,
        true,
      );
      return false;
    }
    const flat = rows.map((row) => flatRow(link.target, row));
    const { isUsed, finding } = linkFinding(link, { keys: values, rows: flat, keyColumn: link.by.name });
    this.findings.push(finding);
    return isUsed;
  }

  /** Reads the next page of a list once, to check that it continues. */
  async #nextPage(link: Link, next: string, first: readonly Row[]): Promise<readonly Row[]> {
    this.#honoursPageSize = first.length === MEASURED_PAGE;
    if (this.#options.budget.left <= CALLS_AFTER) return [];
    const { rows } = await this.#options.probe.list(next, MEASURED_PAGE);
    const seen = new Set(first.map((row) => JSON.stringify(row)));
    const other = (rows ?? []).filter((row) => !seen.has(JSON.stringify(row)));
    this.#find(
      `${shownLink(link)} continues by a link: a page has ${first.length} records${this.#honoursPageSize ? ', as requested' : ''}, and the next page has ${other.length} others.`,
      other.length === 0,
    );
    return other;
  }
}

/**
 * The entity sets with navigations from or to them. Others are often views of the same records. Names of
 * properties alone would link them. Without navigations, all of them.
 */
function relatedTables(tables: readonly Table[]): readonly Table[] {
  const targets = new Set(tables.flatMap(({ foreignKeys }) => foreignKeys.map(({ table }) => table)));
  const related = tables.filter(({ name, foreignKeys }) => foreignKeys.length > 0 || targets.has(name));
  return related.length > 0 ? related : tables;
}
