import type { RestCall } from '../../declared/rest-grammar.js';
import type { HttpAnswer } from '../http-system.js';
import { envelopeOf, hintIn, readAnswer, rowsPathIn, whyNot } from './answers.js';
import { find, hasCall, type Declared, type MeasuredCall, type Measuring } from './measuring.js';
import { idOfRow, measurePaging, type MeasuredPaging } from './paging.js';
import type { Added } from './probe.js';
import type { ListCall, PersonWay, RelatedList } from './way.js';

/** Measures how the list of all records and the lists of a customer continue. */

export const PAGE_SIZE = 50;
/** A longer list is an error, because a truncated one would look complete. */
export const MAX_ITEMS = 200;

export class ListMeasurer {
  readonly #measuring: Measuring;
  /** How the list of all records continues, and its page. */
  sampled: { list: ListCall; paging: MeasuredPaging; size: number | undefined } | undefined;

  constructor(measuring: Measuring) {
    this.#measuring = measuring;
  }

  /** Reads some records of a list without a key, and measures how it continues. */
  async sample(list: ListCall): Promise<void> {
    const { answer, size } = await this.#firstPage(list, []);
    const read = readAnswer(answer, list.rows, 'GET');
    const rows = read.kind === 'error' && read.status < 300 ? rowsPathIn(answer.json) : list.rows;
    if (read.kind !== 'rows' && (rows === undefined || rows === list.rows)) {
      find(this.#measuring, `${list.name} returned no records as samples: ${whyNot(read)}.`);
      return;
    }
    const actual = { ...list, rows: rows ?? list.rows };
    const paging = await this.#pagingOf(actual, [], answer, size);
    this.#measuring.records.push(...paging.rows);
    this.sampled = { list: actual, paging, size };
    find(
      this.#measuring,
      `${list.name} returned ${paging.rows.length} records as samples. ${paging.text}`,
      paging.isUnsupported,
    );
  }

  /** The first page. If the system refuses a size, the one in its answer is used, or a small one. */
  async #firstPage(
    list: ListCall,
    keys: readonly string[],
  ): Promise<{ answer: HttpAnswer; size: number | undefined }> {
    const { size: parameter, maxSize } = list.paging;
    let size = parameter === undefined ? undefined : Math.min(PAGE_SIZE, maxSize ?? PAGE_SIZE);
    const send = () =>
      this.#measuring.probe.send(
        list.request,
        keys,
        parameter === undefined || size === undefined ? {} : { [parameter]: size },
      );
    let answer = await send();
    if (size !== undefined && [400, 413, 422].includes(answer.status) && this.#measuring.budget.left > 0) {
      size = hintIn(answer, size) ?? 10;
      answer = await send();
    }
    return { answer, size };
  }

  #pagingOf(
    list: ListCall,
    keys: readonly string[],
    answer: HttpAnswer,
    size: number | undefined,
  ): Promise<MeasuredPaging> {
    const request = { template: list.request, keys, rows: list.rows, paging: list.paging, size };
    return measurePaging(this.#measuring.probe, request, answer, () => hasCall(this.#measuring));
  }

  /**
   * Reads the lists of two customers, and the next page of each style. Undefined if the list cannot be
   * declared.
   */
  async measureList(list: RelatedList, keys: readonly string[]): Promise<MeasuredCall | undefined> {
    const answers = new Map<string, readonly unknown[]>();
    let measured: { paging: MeasuredPaging; envelope: unknown; size: number | undefined } | undefined;
    for (const key of keys.slice(0, 2)) {
      if (this.#measuring.budget.left === 0) break;
      const { answer, size } = await this.#firstPage(list, [key]);
      const read = readAnswer(answer, list.rows, 'GET');
      if (read.kind === 'error') {
        find(this.#measuring, `${list.name} cannot be used: it was answered with ${read.reason}.`, true);
        return undefined;
      }
      const rows = read.kind === 'rows' ? read.rows : [];
      answers.set(key, rows);
      if (rows.length === 0) continue;
      const paging =
        this.sampled !== undefined && this.#isLike(list, rows)
          ? undefined
          : await this.#pagingOf(list, [key], answer, size);
      measured = {
        paging: paging ?? this.#likeSampled(),
        envelope: envelopeOf(answer.json, list.rows),
        size,
      };
      if (paging !== undefined) answers.set(key, paging.rows);
      break;
    }
    if (measured === undefined) {
      find(
        this.#measuring,
        `${list.name} returned no rows, so it could not be measured and is not used.`,
        true,
      );
      return undefined;
    }
    const { paging, envelope, size } = measured;
    if (paging.isUnsupported) {
      find(
        this.#measuring,
        `${list.name} is not used, because a long list would look complete. ${paging.text}`,
        true,
      );
      return undefined;
    }
    find(this.#measuring, `${list.name} has rows. ${paging.text}`);
    const sized: Added =
      list.paging.size !== undefined && size !== undefined ? { [list.paging.size]: size } : {};
    const constants = paging.style === undefined ? sized : paging.constants;
    return {
      call: {
        ...declaredRequest(list, constants),
        rows: list.rows,
        ...(paging.style === undefined
          ? {}
          : { page: { ...paging.style, maxItems: MAX_ITEMS, ...maxPagesOf(paging.style, size, MAX_ITEMS) } }),
      },
      ...{ answers, envelope },
    };
  }

  #isLike({ paging }: ListCall, rows: readonly unknown[]): boolean {
    if (this.sampled?.paging.isVerified !== true) return false;
    const { list, paging: sampled } = this.sampled;
    const { style } = sampled;
    // Other records may have another id.
    const hasSameId =
      style === undefined || !('lastId' in style) || idOfRow(rows.at(-1))?.path === style.lastId;
    return hasSameId && JSON.stringify(paging) === JSON.stringify(list.paging);
  }

  #likeSampled(): MeasuredPaging {
    const { list, paging } = this.sampled ?? {};
    if (list === undefined || paging === undefined) throw new Error('No list was sampled.');
    return {
      ...paging,
      rows: [],
      text: `It has the parameters of ${list.name}, so it continues in the same way.`,
    };
  }
}

export function maxPagesOf(style: object, size: number | undefined, maxItems: number): { maxPages?: number } {
  // A style with a page size has this limit already.
  return 'size' in style ? {} : { maxPages: Math.min(100, Math.ceil(maxItems / (size ?? 10)) + 1) };
}

/** A request with its constant parameters, in the syntax of a declaration. */
export function declaredRequest(
  { request }: PersonWay | ListCall,
  constants: Added,
): Pick<RestCall, 'query'> & Declared {
  const query = { ...request.query, ...constants };
  const body = request.body === undefined ? {} : { body: request.body };
  return {
    ...(request.method === 'POST' ? { post: request.path, ...body } : { get: request.path }),
    ...(Object.keys(query).length === 0 ? {} : { query }),
  };
}
