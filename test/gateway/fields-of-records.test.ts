import { afterAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { SourceUnavailableError } from '../../src/errors.js';
import { defineLoader, idNamespace, type Context, type CustomerRecord } from '../../src/index.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, type Answer } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';
import { at, listAt } from '../support/read.js';

/**
 * Tests fields that `loadField` reads from a loaded record. Each field has a twin that awaits `load`. Both return the
 * same values and errors, executed by a plan and interpreted.
 */

interface Book {
  number: number;
  title: string | null;
  /** The number of pages. It is null for some books, although the field is non-null in the schema. */
  pages: number | null;
  writer: number;
}

const NONE = { maxAge: '0 s', staleWhileRevalidate: '0 s', staleIfError: '0 s' } as const;
const unavailable = () => new SourceUnavailableError('library', 'The record is unavailable.');

const calls: string[] = [];
const bookOf = (number: number): Book | Error =>
  number % 11 === 0
    ? unavailable()
    : {
        number,
        title: number % 5 === 0 ? null : `Book ${number}`,
        pages: number % 7 === 0 ? null : number,
        writer: number % 40,
      };
const books = defineLoader<Client, number, Book>({
  name: 'books',
  freshness: NONE,
  load: (numbers) => {
    calls.push(`books ${numbers.length}`);
    return Promise.resolve(numbers.map(bookOf));
  },
});
const writers = defineLoader<Client, number, string>({
  name: 'writers',
  freshness: NONE,
  load: (numbers) => {
    calls.push(`writers ${numbers.length}`);
    return Promise.resolve(numbers.map((number) => (number === 3 ? unavailable() : `Writer ${number}`)));
  },
});
/** Answers each key separately. */
const shelves = defineLoader<Client, number, string>({
  name: 'shelves',
  freshness: NONE,
  loadEach: (numbers) =>
    numbers.map((number) =>
      number % 13 === 0 ? Promise.reject(unavailable()) : Promise.resolve(`Shelf ${number}`),
    ),
});
const found = defineLoader<Client, string, readonly CustomerRecord[]>({
  name: 'readers',
  freshness: NONE,
  load: (keys) =>
    Promise.resolve(keys.map((id) => [{ id, identifiers: [], profile: { name: `Reader ${id}` } }])),
});

/** Throws for one title, like a defect in a resolver. */
function titleIn({ title }: Book): string | null {
  if (title === 'Book 17') throw new Error('A mistake.');
  return title;
}

/** A book whose fields return one pending field. */
interface Shared {
  number: number;
  title?: string | null | PromiseLike<string | null>;
}

const numberIn = ({ number }: { number: number }) => number;
const library = localSource('library', {
  loaders: [books, writers, shelves],
  resolvers: {
    Customer: {
      // Some books occur twice.
      books: () => Array.from({ length: 300 }, (_, i) => ({ number: (i % 250) + 1 })),
    },
    Book: {
      title: ({ number }: Book, _: unknown, { loadField }: Context) => loadField(books, number, titleIn),
      titleTwin: async ({ number }: Book, _: unknown, { load }: Context) =>
        titleIn(await load(books, number)),
      pages: ({ number }: Book, _: unknown, { loadField }: Context) =>
        loadField(books, number, ({ pages }) => pages),
      pagesTwin: async ({ number }: Book, _: unknown, { load }: Context) => (await load(books, number)).pages,
      shelf: ({ number }: Book, _: unknown, { loadField }: Context) =>
        loadField(shelves, number, (shelf) => shelf),
      shelfTwin: ({ number }: Book, _: unknown, { load }: Context) => load(shelves, number),
      // Returns one object for all fields of the book.
      sharedTitle: (book: Shared, _: unknown, { loadField }: Context) =>
        (book.title ??= loadField(books, book.number, titleIn)),
      writer: (book: Shared, _: unknown, { loadField }: Context) =>
        loadField(books, book.number, ({ writer }) => ({ number: writer, book })),
      writerTwin: async ({ number }: Book, _: unknown, { load }: Context) => ({
        number: (await load(books, number)).writer,
      }),
      // The value of the property may be a promise.
      writerName: ({ number }: Book, _: unknown, { load, loadField }: Context) =>
        loadField(books, number, ({ writer }) => load(writers, writer)),
      writerNameTwin: async ({ number }: Book, _: unknown, { load }: Context) =>
        load(writers, (await load(books, number)).writer),
    },
    Writer: {
      name: (writer: { number: number }, _: unknown, { loadField }: Context) =>
        loadField(writers, numberIn(writer), (name) => name),
      nameTwin: (writer: { number: number }, _: unknown, { load }: Context) =>
        load(writers, numberIn(writer)),
      // At this point, the record is loaded.
      sharedTitle: ({ book }: { book: Shared }) => book.title,
    },
  },
  namespaces: [idNamespace('readerId', 'An id.', /^r\d+$/)],
  identity: {
    recordKey: 'readerId',
    foundBy: { readerId: { uniqueness: 'enforced', loader: found } },
    yields: {},
  },
});

const sdl = `
  type Customer @foundBy(identifier: "readerId") { books: [Book] @personalData(category: IDENTITY) @authenticated }
  type Book @personalData(category: NONE) {
    number: Int!
    title: String @personalData(category: IDENTITY, mask: ALL)
    titleTwin: String @personalData(category: IDENTITY, mask: ALL)
    pages: Int!
    pagesTwin: Int!
    shelf: String
    shelfTwin: String
    writer: Writer
    writerTwin: Writer
    writerName: String
    writerNameTwin: String
    sharedTitle: String
  }
  type Writer @personalData(category: NONE) { number: Int! name: String! nameTwin: String! sharedTitle: String }`;

const FIELDS = {
  fields: 'title shelf writerName writer { number name }',
  twins:
    'title: titleTwin shelf: shelfTwin writerName: writerNameTwin writer: writerTwin { number name: nameTwin }',
};
const STRICT = { fields: 'number title pages', twins: 'number title: titleTwin pages: pagesTwin' };

describe.each(['planned', 'interpreted'])('a field of a loaded record (%s)', (execution) => {
  const gateway = createTestGateway(
    {
      ...library.environment,
      ...CALLER_SETTINGS,
      JWT_CUSTOMER_CLAIMS: '',
      AUDIT_FILE: '/dev/null',
      EXECUTION: execution,
    },
    { sources: [library.source], sdl: { library: sdl } },
  );
  afterAll(() => gateway.close());

  const read = async (fields: string, role: 'operator' | 'analyst' = 'operator') => {
    const query = `{ customer(by: { readerId: "r1" }) { books { ${fields} } } }`;
    const purpose = role === 'operator' ? 'CUSTOMER_CARE' : 'ANALYTICS';
    const answer = await gateway.query(query, {}, await headersOf(role, { purpose }));
    return { books: listAt(answer.data, 'customer', 'books'), errors: comparable(answer) };
  };
  const comparable = ({ errors }: Answer) =>
    errors.map(({ path, extensions }) => JSON.stringify([path, extensions.code])).sort();

  test.each([FIELDS, STRICT])(
    'has the values and errors of a promise: $fields',
    async ({ fields, twins }) => {
      const [fieldValues, twinValues] = [await read(fields), await read(twins)];
      expect(fieldValues).toEqual(twinValues);
      expect(fieldValues.books).toHaveLength(300);
      expect(fieldValues.errors.length).toBeGreaterThan(20);
      expect(fieldValues.books.filter((book) => at(book, 'title') !== null).length).toBeGreaterThan(100);
    },
  );

  test('is null if its record fails, and makes its object null if the field is non-null', async () => {
    const { books } = await read('number title pages');
    expect(books.map((book) => (book === null ? null : at(book, 'number'))).slice(0, 12)).toEqual([
      1,
      2,
      3,
      4,
      5,
      6,
      null,
      8,
      9,
      10,
      null,
      12,
    ]);
  });

  test('may be returned by several fields, even after its record is loaded', async () => {
    const { books } = await read(
      'title first: sharedTitle second: sharedTitle writer { third: sharedTitle }',
    );
    for (const book of books) {
      const title = at(book, 'title');
      expect([at(book, 'first'), at(book, 'second')]).toEqual([title, title]);
      if (at(book, 'writer') !== null) expect(at(book, 'writer', 'third')).toBe(title);
    }
  });

  test('is masked', async () => {
    const { books } = await read('title titleTwin', 'analyst');
    for (const book of books) expect(at(book, 'title')).toBe(at(book, 'titleTwin'));
    expect(at(books[0], 'title')).toBe('***');
  });

  test('loads each record once, in the same calls as records that are loaded by promises', async () => {
    // The records of an earlier request remain in flight until all of them are loaded.
    for (let i = 0; i < 100; i += 1) await new Promise(setImmediate);
    calls.length = 0;
    await read('title pagesTwin writer { name } writerTwin { nameTwin }');
    expect(calls).toEqual(['books 250', 'writers 40']);
  });
});
