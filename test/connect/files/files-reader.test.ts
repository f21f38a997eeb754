import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallBudget } from '../../../src/connect/call-budget.js';
import type { Draft, DraftType, Finding } from '../../../src/connect/draft.js';
import { filesReaderKind } from '../../../src/connect/files/files-kind.js';
import { openConnected } from '../connected-gateway.js';
import { createLibrary, READERS, type Library } from './library.js';

let library: Library;
beforeAll(async () => {
  library = await createLibrary();
});
afterAll(() => library.remove());

async function connect(by?: string, folder = library.folder) {
  const budget = createCallBudget({ intervalMs: 0 });
  const reader = await filesReaderKind.open({
    ...{ source: 'library', target: { what: folder, path: folder, isFolder: true }, environment: {}, budget },
    questions: { keys: () => Promise.resolve([]) },
  });
  try {
    const look = await reader.look();
    const name = by ?? look.candidates[0]?.name ?? '';
    return { look, ...(await reader.measure({ name, evidence: '' })), used: budget.used };
  } finally {
    await reader.close();
  }
}

const textsOf = (findings: readonly Finding[]) => findings.map(({ text }) => text).join('\n');
const callsOf = ({ calls }: Draft) =>
  Object.fromEntries(Object.entries(calls).map(([name, { call }]) => [name, call]));
const shapeOf = (type: DraftType | undefined) =>
  type?.fields.map(({ name, type: of, isList, isNullable, conversion }) =>
    [
      `${name} ${isList ? `[${of}]` : of}${isNullable ? '' : '!'}`,
      ...(conversion === undefined ? [] : [JSON.stringify(conversion)]),
    ].join(' '),
  );

describe('connecting a folder of files', () => {
  it('finds the tables, and those of persons', async () => {
    const { look } = await connect();
    expect(look.candidates.map(({ name }) => name)).toEqual(['readers']);
    const found = textsOf(look.findings);
    expect(found).toContain(
      'The folder has 5 tables. These may contain persons: readers (readers.csv, 1 file,',
    );
    expect(found).toContain('they look like secrets: password_hash.');
    expect(found).toContain('1 table is left out. A file is damaged or incomplete');
    expect(found).toContain('1 file is left out, because no pattern matches only them.');
    // The name of a file may be that of a person.
    for (const name of ['broken', 'odd', 'book', 'fines']) expect(found).not.toContain(name);
  });

  it('reads no text file whose first line has values', async () => {
    const other = await createLibrary();
    await other.write(
      'clients.csv',
      'R0001,Teuntje,Teuntje.1@Boek.example\nR0002,Sjoerd,Sjoerd.2@Boek.example\n',
    );
    const { look } = await connect(undefined, other.folder);
    await other.remove();
    expect(textsOf(look.findings)).toContain('1 table is left out. Its first line has values');
    expect(textsOf(look.findings)).not.toContain('Teuntje');
  });

  it('drafts calls in the syntax of a declaration, with at most 20 queries', async () => {
    const { draft, used, values } = await connect();
    expect(used).toBeLessThanOrEqual(20);
    expect(draft.connect).toEqual({
      files: '${LIBRARY_FOLDER}',
      tables: {
        readers: { files: 'readers.csv' },
        loans: { files: 'loans/day=*/data_*.parquet' },
        fines: { files: 'fines-*.json' },
        book: { files: 'book/part-0001.csv' },
      },
    });
    expect(values).toEqual({ LIBRARY_FOLDER: library.folder });
    expect(callsOf(draft)).toEqual({
      byNumber: { from: 'readers', by: 'number' },
      byMail: { from: 'readers', by: 'mail', matching: 'lower' },
      loans: { from: 'loans', by: 'reader_number' },
      fines: { from: 'fines', by: 'reader_number' },
      book: { from: 'book', by: 'book_id' },
    });
    expect(Object.values(draft.calls).filter(({ isUnique }) => isUnique)).toEqual([]);
  });

  it('makes types of the columns, also of text', async () => {
    const { draft, findings } = await connect();
    expect(shapeOf(draft.customer)).toEqual([
      'number ID!',
      'name String',
      'mail String',
      'active Boolean {"boolean":{"true":["ja","JA","Ja"],"false":["nee","NEE","Nee"]}}',
      'born Date {"date":"dd-mm-yyyy"}',
      'phone String',
      'balance Decimal {"number":"fromText"}',
      'postcode String',
      'loans [LibraryLoan]',
      'fines [LibraryFine]',
    ]);
    expect(shapeOf(draft.types['LibraryLoan'])).toEqual([
      'loanId ID!',
      'lentAt DateTime {"dateTime":{"zone":"UTC"}}',
      'fee Float',
      'day String',
      'book LibraryBook',
    ]);
    expect(shapeOf(draft.types['LibraryFine'])).toEqual([
      'id ID!',
      'amount Money {"money":{"currency":{"from":"currency"}}}',
      'currency String',
      'paid Boolean',
      'tags [String]',
    ]);
    expect(textsOf(findings)).toContain(
      'readers.phone has phone numbers that are not in the form +31201234567',
    );
    for (const { name, mail, number } of READERS)
      for (const value of [name, mail, number]) expect(textsOf(findings)).not.toContain(value);
  });

  it('records rows that join', async () => {
    const { draft } = await connect();
    const rowsOf = (name: string) => draft.tables?.[name]?.rows ?? [];
    expect(rowsOf('readers')).toHaveLength(12);
    expect(draft.tables?.['readers']).toMatchObject({
      files: 'readers.csv',
      primaryKey: ['number'],
      rowCount: 40,
    });
    const readers = new Set(rowsOf('readers').map((row) => row['number']));
    expect(rowsOf('fines').length).toBeGreaterThan(0);
    expect(
      [...rowsOf('loans'), ...rowsOf('fines')].every((row) => readers.has(row['reader_number'] ?? '')),
    ).toBe(true);
    expect(JSON.stringify(draft)).not.toContain('digest');
  });

  it('drafts a source that answers from the files', async () => {
    const { draft, values } = await connect();
    const gateway = openConnected(
      draft,
      {
        recordKey: 'readerNumber',
        foundBy: {
          readerNumber: { call: 'byNumber', uniqueness: 'usual' },
          email: { call: 'byMail', uniqueness: 'usual' },
        },
        yields: { email: 'mail' },
      },
      values,
    );
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "teuntje.5@boek.example" }) { person { number active born phone balance }
        loans(first: 1) { nodes { loanId lentAt fee book { title } } }
        fines(first: 5) { nodes { id amount { amount } paid tags } } } }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customer: {
        person: { number: 'R0005', active: true, born: '1990-12-05', phone: '0612345604', balance: '4.50' },
        loans: {
          nodes: [{ loanId: '44', lentAt: '2026-03-03T09:30:00.000Z', fee: 11, book: { title: 'Title 2' } }],
        },
        fines: { nodes: [{ id: '4', amount: { amount: '4.25' }, paid: false, tags: ['late'] }] },
      },
    });
  });
});
