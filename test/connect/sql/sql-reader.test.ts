import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallBudget, type CallBudget } from '../../../src/connect/call-budget.js';
import type { Draft, DraftType, Finding } from '../../../src/connect/draft.js';
import type { Look, Measured, SystemReader } from '../../../src/connect/reader.js';
import { sqlReaderKind } from '../../../src/connect/sql/sql-kind.js';
import { openConnected } from '../connected-gateway.js';
import { startMusicSchool, STUDENTS, type MusicSchool } from './music-school.js';

let school: MusicSchool;
beforeAll(async () => {
  school = await startMusicSchool();
});
afterAll(() => school.close());

async function withReader<T>(
  use: (reader: SystemReader) => Promise<T>,
  {
    url = school.readerUrl,
    environment = {},
    budget = createCallBudget({ intervalMs: 0 }),
  }: {
    url?: URL;
    environment?: Record<string, string>;
    budget?: CallBudget;
  } = {},
): Promise<T> {
  const reader = await sqlReaderKind.open({
    ...{ source: 'music-school', target: { what: url.href, url }, environment, budget },
    questions: { keys: () => Promise.resolve([]) },
  });
  try {
    return await use(reader);
  } finally {
    await reader.close();
  }
}

const connect = (by: string, options: Parameters<typeof withReader>[1] = {}) =>
  withReader(async (reader): Promise<Measured & { look: Look }> => {
    const look = await reader.look();
    return { look, ...(await reader.measure({ name: by, evidence: '' })) };
  }, options);

const textsOf = (findings: readonly Finding[]) => findings.map(({ text }) => text).join('\n');
const shapeOf = (type: DraftType | undefined) =>
  type?.fields.map(({ name, from, type: of, isList, isNullable }) =>
    [name, from === name ? '' : `<${from}>`, isList ? `[${of}]` : of, isNullable ? '' : '!']
      .filter(Boolean)
      .join(' '),
  );
const callsOf = ({ calls }: Draft) =>
  Object.fromEntries(Object.entries(calls).map(([name, { call }]) => [name, call]));

describe('connecting a database', () => {
  it('finds the tables of persons, and prefers a view', async () => {
    const { candidates, findings } = await withReader((reader) => reader.look());
    expect(candidates.map(({ name }) => name)).toEqual(['current_student', 'student']);
    expect(candidates[0]?.evidence).toBe(
      'a view; its name suggests persons or organisations; name: given_name, family_name; e-mail: email; unique: number; 5 tables refer to it',
    );
    expect(textsOf(findings)).toContain(
      'Left out, because they look like secrets: session_token, student.password_hash, student.apiToken.',
    );
    expect(textsOf(findings)).toContain(
      'a declaration cannot name them: ro.om. Make a view with a plain name.',
    );
  });

  it('drafts calls in the syntax of a declaration', async () => {
    const { draft, values } = await connect('student');
    expect(draft).toMatchObject({
      ...{ source: 'music-school', kind: 'sql', connect: { sql: '${MUSIC_SCHOOL_URL}' } },
      ...{ system: { database: 'postgresql' }, limits: { timeout: '1 s', concurrency: 4 } },
    });
    expect(Object.keys(draft.variables)).toEqual(['MUSIC_SCHOOL_URL']);
    expect(values).toEqual({ MUSIC_SCHOOL_URL: school.readerUrl.href });
    expect(callsOf(draft)).toEqual({
      byId: { from: 'student', by: 'id', keys: 'integer' },
      byMail: { from: 'student', by: 'mail', matching: 'lower' },
      byStudentNo: { from: 'student', by: 'student_no' },
      byMobile: { from: 'student', by: 'mobile' },
      lessons: { from: 'lesson', by: 'student_id', keys: 'integer' },
      rehearsals: { from: 'planning.Rehearsal', by: 'StudentNo' },
      reports: { from: 'report', by: 'student_id', keys: 'integer' },
      instruments: {
        query:
          'SELECT p."student_id" AS "student_id", t."code", t."label" FROM "student_instrument" p JOIN "instrument" t ON t."code" = p."instrument_code" WHERE p."student_id" = ANY(:keys)',
        ...{ key: 'student_id', keys: 'integer' },
      },
      visits: { from: 'visit', by: 'student_id', keys: 'integer' },
      payments: { from: 'payment', by: 'lesson_id', keys: 'integer' },
    });
    expect(draft.calls['byId']).toMatchObject({ key: 'id', findsCustomers: true, isUnique: true });
    expect(draft.calls['byMail']).toMatchObject({ key: 'mail', findsCustomers: true, isUnique: false });
    expect(draft.calls['byStudentNo']).toMatchObject({ isUnique: true });
  });

  it('makes types of the columns, with conversions', async () => {
    const { draft } = await connect('student');
    expect(shapeOf(draft.customer)).toEqual([
      'id ID !',
      'givenName <given_name> String !',
      'familyName <family_name> String !',
      'mail String',
      'studentNo <student_no> String !',
      'mobile String',
      'birthDate <birth_date> Date',
      'active Boolean !',
      'level Enum',
      'joined DateTime !',
      'country String',
      'teacherId <teacher_id> ID',
      'points BigInt',
      'rehearsals <.> [MusicSchoolRehearsal]',
      'lessons <.> [MusicSchoolLesson]',
      'visits <.> [MusicSchoolVisit]',
      'reports <.> [MusicSchoolReport]',
      'instruments <.> [MusicSchoolInstrument]',
    ]);
    const field = (type: DraftType | undefined, name: string) =>
      type?.fields.find((found) => found.name === name);
    expect(field(draft.customer, 'mobile')?.description).toBe('Where a message is sent.');
    expect(field(draft.customer, 'level')?.values).toEqual(['beginner', 'advanced']);
    expect(field(draft.customer, 'country')?.conversion).toEqual({ text: 'trim' });
    expect(field(draft.customer, 'joined')).toMatchObject({
      conversion: { dateTime: { zone: 'UTC' } },
      check: 'The times have no zone. UTC is a guess.',
    });
    expect(field(draft.customer, 'lessons')?.call).toEqual({
      name: 'lessons',
      key: 'id',
      order: ['-startsAt', 'id'],
    });
    expect(field(draft.customer, 'rehearsals')?.call).toEqual({
      ...{ name: 'rehearsals', key: 'student_no', order: ['-startsOn', 'id'] },
    });
    expect(field(draft.customer, 'reports')?.call?.order).toEqual(['-id', 'id']);
    const lesson = draft.types['MusicSchoolLesson'];
    expect(shapeOf(lesson)).toEqual([
      'id ID !',
      'startsAt <starts_at> DateTime !',
      'status Enum !',
      'priceCents <price_cents> Money',
      'currency String',
      'topics [String]',
      'teacherId <teacher_id> ID',
      'payments <.> [MusicSchoolPayment]',
    ]);
    expect(field(lesson, 'status')?.values).toEqual(['planned', 'given', 'no show']);
    expect(field(lesson, 'priceCents')?.conversion).toEqual({
      money: { currency: { from: 'currency' }, minorUnits: 2 },
    });
    expect(field(lesson, 'payments')?.call).toEqual({
      name: 'payments',
      key: 'id',
      order: ['-lineNo', 'lineNo'],
    });
  });

  it('leaves out secrets, rows of other people, and data that the user may not read', async () => {
    const { draft, findings } = await connect('student');
    const found = textsOf(findings);
    expect(found).toContain('Left out, because their values look like secrets: student.recovery.');
    expect(found).toContain('Left out, because their rows are other persons or organisations: teacher.');
    expect(found).toContain('Left out, because the user may not read them: report.remark.');
    expect(found).toContain(
      'Left out, because their types cannot be mapped: student.preferences, student.photo.',
    );
    expect(found).toContain(
      'Left out, because a declaration cannot name them: student.Postal Code, student.e"vil.',
    );
    // The recording names what is left out, so that a later check does not report it as new.
    const written = JSON.stringify(draft, (name, value: unknown) => (name === 'leftOut' ? undefined : value));
    for (const name of [
      'password_hash',
      'apiToken',
      'recovery',
      'digest',
      '$2b$',
      'medical',
      'session',
      'remark',
      'Geheim',
    ])
      expect(written).not.toContain(name);
  });

  it('leaves out a list whose lookup would scan a large table', async () => {
    const { draft, findings } = await connect('student');
    expect(draft.calls).not.toHaveProperty('clicks');
    expect(textsOf(findings)).toContain(
      'Reading click by student_id scans every row of the large table click, so it is left out. Create an index on student_id, or declare readsWholeTable: true.',
    );
    expect(draft.tables?.['visit']?.rowCount).toBe(12_000);
  });

  it('records rows that join', async () => {
    const { draft } = await connect('student');
    const tables = draft.tables ?? {};
    const rowsOf = (name: string) => tables[name]?.rows ?? [];
    const keysOf = (name: string, column: string) => new Set(rowsOf(name).map((row) => row[column]));
    expect(rowsOf('student')).toHaveLength(12);
    expect(tables['student']).toMatchObject({ primaryKey: ['id'], rowCount: 60 });
    expect(tables['student']?.indexes).toContainEqual({ columns: ['lower(mail)'], isUnique: false });
    const students = keysOf('student', 'id');
    expect([...keysOf('lesson', 'student_id')].every((id) => students.has(id))).toBe(true);
    expect(keysOf('lesson', 'student_id').size).toBe(12);
    const lessons = keysOf('lesson', 'id');
    expect(rowsOf('payment').length).toBeGreaterThan(0);
    expect([...keysOf('payment', 'lesson_id')].every((id) => lessons.has(id))).toBe(true);
    expect(rowsOf('student_instrument')).toHaveLength(12);
    expect(rowsOf('instrument')).toEqual([{ code: 'VN', label: 'Violin' }]);
    expect(keysOf('planning.Rehearsal', 'StudentNo').size).toBe(12);
  });

  it('connects a view, with the keys of its table', async () => {
    const { draft, findings } = await connect('current_student');
    expect(callsOf(draft)).toMatchObject({
      byNumber: { from: 'current_student', by: 'number', keys: 'integer' },
      byEmail: { from: 'current_student', by: 'email', matching: 'lower' },
      lessons: { from: 'lesson', by: 'student_id', keys: 'integer' },
    });
    expect(draft.calls['byNumber']?.isUnique).toBe(true);
    expect(draft.customer.id).toBe('number');
    expect(draft.customer.fields.find(({ name }) => name === 'number')).toMatchObject({
      type: 'ID',
      isNullable: false,
    });
    expect(findings.filter(({ isWarning }) => isWarning).map(({ text }) => text)).toEqual([
      'Left out, because the user may not read them: report.remark.',
      expect.stringContaining('Reading click by student_id'),
    ]);
  });

  it('sends at most 20 statements, which only read', async () => {
    const budget = createCallBudget({ intervalMs: 0 });
    const before = school.statements.length;
    await connect('student', { budget });
    const sent = school.statements.slice(before);
    expect(budget.used).toBeLessThanOrEqual(20);
    expect(sent.length).toBe(budget.used);
    for (const statement of sent) expect(statement).toMatch(/^\s*\(?(SELECT|EXPLAIN)\b/);
    for (const { mail, number } of STUDENTS)
      expect(sent.some((statement) => statement.includes(mail) || statement.includes(number))).toBe(false);
  });

  it('measures as much as a few calls allow', async () => {
    const budget = createCallBudget({ intervalMs: 0, maxCalls: 15 });
    const { draft, findings } = await connect('student', { budget });
    expect(budget.used).toBeLessThanOrEqual(15);
    expect(Object.keys(draft.calls)).toContain('lessons');
    expect(textsOf(findings)).toContain('the calls do not suffice to measure them. Allow more with --calls');
  });

  it('prints no value of a row', async () => {
    const { look, findings } = await connect('student');
    const output = JSON.stringify([look, findings]);
    for (const { givenName, family, mail, number, phone } of STUDENTS)
      for (const value of [givenName, family, mail, number, phone]) expect(output).not.toContain(value);
  });

  it('drafts a source that answers from the database', async () => {
    const { draft, values } = await connect('student');
    const gateway = openConnected(
      draft,
      {
        recordKey: 'studentId',
        foundBy: {
          studentId: { call: 'byId', uniqueness: 'enforced' },
          email: { call: 'byMail', uniqueness: 'usual' },
        },
        yields: { email: 'mail' },
      },
      values,
    );
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "zwaantje.7@muziek.example" }) {
        person { id givenName level joined country }
        lessons(first: 2) { nodes { id status priceCents { amount currency } topics payments(first: 1) { nodes { amount { amount } } } } }
        rehearsals(first: 1) { nodes { startsOn } } instruments { label } visits(first: 1) { nodes { id } }
      } }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(data).toMatchObject({
      customer: {
        person: {
          id: '7',
          givenName: 'Zwaantje7',
          level: 'ADVANCED',
          joined: '2025-03-11T05:06:07.000Z',
          country: 'NL',
        },
        lessons: {
          nodes: [
            {
              id: '76',
              status: 'PLANNED',
              priceCents: { amount: '25.06', currency: 'EUR' },
              topics: ['scales', 'theory'],
              payments: { nodes: [{ amount: { amount: '12.50' } }] },
            },
            { id: '75', payments: { nodes: [] } },
          ],
        },
        instruments: [{ label: 'Violin' }],
      },
    });
  });
});

describe('names of tables and columns with special characters', () => {
  const TABLE = `"x';--customer"`;
  const COLUMNS = [
    'e-mail',
    'ma[il',
    'naïve',
    'имя',
    '1st',
    'a`b',
    ':keys',
    'select',
    "o'brien",
    'to_string',
  ];
  const LEFT_OUT = ['constructor', '__proto__', 'a b', 'a.b', 'a"b', '$1', 'red\u001b[31m', '-minus'];
  const quotedName = (name: string) => `"${name.replaceAll('"', '""')}"`;

  it('are quoted where a declaration can name them, and left out otherwise', async () => {
    const columns = [...COLUMNS, ...LEFT_OUT].map((name) => `${quotedName(name)} text`);
    await school.execute(`CREATE TABLE ${TABLE} (id integer PRIMARY KEY, ${columns.join(', ')});
      INSERT INTO ${TABLE} SELECT n, ${COLUMNS.map((_, i) => (i === 0 ? `'a' || n || '@b.example'` : `'v${i}'`)).join(', ')} FROM generate_series(1, 5) n;
      COMMENT ON TABLE ${TABLE} IS 'A "quoted" text: # { } \u001b';
      CREATE TABLE "pair':keys" ("':keys" integer REFERENCES ${TABLE}, code text REFERENCES instrument);
      INSERT INTO "pair':keys" VALUES (1, 'VN');
      GRANT SELECT ON ${TABLE}, "pair':keys" TO reader`);
    try {
      const { look, draft, findings, values } = await connect("x';--customer");
      expect(look.candidates.map(({ name }) => name)).toContain("x';--customer");
      expect(
        draft.customer.fields.filter(({ call }) => call === undefined).map(({ name, from }) => [name, from]),
      ).toEqual([
        ['id', 'id'],
        ['eMail', 'e-mail'],
        ['maIl', '"ma[il"'],
        ['naive', 'naïve'],
        ['column5', 'имя'],
        ['n1st', '1st'],
        ['aB', 'a`b'],
        ['keys', ':keys'],
        ['select', 'select'],
        ['oBrien', "o'brien"],
        ['toStringValue', 'to_string'],
      ]);
      expect(textsOf(findings)).toContain(
        `a declaration cannot name them: ${LEFT_OUT.map((name) => `x';--customer.${name.replace('\u001b', '?')}`).join(', ')}.`,
      );
      // oxlint-disable-next-line no-control-regex -- no finding may control a terminal
      expect(JSON.stringify([look, findings])).not.toMatch(/\u001b|\\u001b/);
      const gateway = openConnected(
        draft,
        {
          recordKey: 'xCustomer',
          foundBy: { xCustomer: { call: 'byId', uniqueness: 'enforced' } },
          yields: {},
        },
        values,
      );
      const { data, errors } = await gateway.query(
        '{ customer(by: { xCustomer: "1" }) { person { eMail maIl column5 keys oBrien toStringValue } instruments { label } } }',
      );
      await gateway.close();
      expect(errors).toEqual([]);
      expect(data).toEqual({
        customer: {
          person: {
            eMail: 'a1@b.example',
            maIl: 'v1',
            column5: 'v3',
            keys: 'v6',
            oBrien: 'v8',
            toStringValue: 'v9',
          },
          instruments: [{ label: 'Violin' }],
        },
      });
    } finally {
      await school.execute(`DROP TABLE "pair':keys", ${TABLE}`);
    }
  });
});

describe('tables without simple keys', () => {
  it('are found by another column, and composite foreign keys are reported', async () => {
    await school.execute(`CREATE TABLE account (branch integer, no integer, email text NOT NULL UNIQUE, PRIMARY KEY (branch, no));
      CREATE TABLE transfer (id integer PRIMARY KEY, branch integer, no integer, FOREIGN KEY (branch, no) REFERENCES account);
      INSERT INTO account SELECT 1, n, 'account' || n || '@bank.example' FROM generate_series(1, 9) n;
      INSERT INTO transfer SELECT n, 1, n FROM generate_series(1, 9) n;
      GRANT SELECT ON account, transfer TO reader`);
    try {
      const { draft, findings } = await connect('account');
      expect(callsOf(draft)).toEqual({
        byEmail: { from: 'account', by: 'email' },
        byNo: { from: 'account', by: 'no', keys: 'integer' },
      });
      expect(draft.calls['byEmail']?.isUnique).toBe(true);
      expect(draft.customer.id).toBeUndefined();
      expect(textsOf(findings)).toContain(
        'Left out, because their foreign keys have several columns, and a call has one key: transfer.',
      );
    } finally {
      await school.execute('DROP TABLE transfer, account');
    }
  });

  it('are joined by names if there is no foreign key, and only where rows match', async () => {
    await school.execute(`CREATE TABLE client (id integer PRIMARY KEY, email text);
      CREATE TABLE ticket (id integer PRIMARY KEY, client_id integer, opened_on date NOT NULL);
      CREATE TABLE letter (id integer PRIMARY KEY, client_id integer);
      INSERT INTO client SELECT n, 'client' || n || '@x.example' FROM generate_series(1, 9) n;
      INSERT INTO ticket SELECT n, n, '2026-01-01' FROM generate_series(1, 9) n;
      INSERT INTO letter SELECT n, n + 5000 FROM generate_series(1, 9) n;
      GRANT SELECT ON client, ticket, letter TO reader`);
    try {
      const { draft, findings } = await connect('client');
      expect(draft.calls['tickets']?.call).toEqual({ from: 'ticket', by: 'client_id', keys: 'integer' });
      expect(draft.customer.fields.find(({ name }) => name === 'tickets')?.check).toBe(
        'Only the names of the columns show this, not a foreign key.',
      );
      expect(draft.calls).not.toHaveProperty('letters');
      expect(textsOf(findings)).toContain(
        'None of 9 sampled rows has one in letter by client_id, so it is left out.',
      );
    } finally {
      await school.execute('DROP TABLE ticket, letter, client');
    }
  });

  it('are refused if every lookup scans a large table', async () => {
    await school.execute(`CREATE VIEW big_client AS SELECT DISTINCT student_id AS id, 'a' || student_id || '@b.example' AS email FROM click;
      GRANT SELECT ON big_client TO reader`);
    try {
      await expect(connect('big_client')).rejects.toThrow(
        'No column of big_client finds one person: Finding a person by big_client.id scans every row of the large table click',
      );
    } finally {
      await school.execute('DROP VIEW big_client');
    }
  });
});

describe('a database that cannot be connected', () => {
  const refusal = async (url: URL, environment = {}) =>
    withReader((reader) => reader.look(), { url, environment }).then(
      () => undefined,
      (error: unknown) => error,
    );

  it('is reported without its password', async () => {
    const wrong = new URL(school.readerUrl);
    wrong.password = 'swordfish-%C3%A9';
    const refused = await refusal(wrong);
    expect(String(refused)).toContain('refuses the user or the password (28P01). Check them in the address');
    const closed = new URL(school.readerUrl);
    closed.port = '1';
    const unreachable = await refusal(closed);
    expect(String(unreachable)).toContain('cannot be reached (ECONNREFUSED)');
    for (const error of [refused, unreachable]) {
      const shown = inspect(error, { depth: 9, showHidden: true });
      for (const secret of ['swordfish', school.readerUrl.password]) expect(shown).not.toContain(secret);
    }
  });

  it('takes the password from the environment', async () => {
    const url = new URL(school.readerUrl);
    url.password = '';
    const { candidates } = await withReader((reader) => reader.look(), {
      url,
      environment: { MUSIC_SCHOOL_PASSWORD: school.readerUrl.password },
    });
    expect(candidates).not.toEqual([]);
  });

  it('is refused if the table has no key, or no rows', async () => {
    await school.execute(`CREATE TABLE guest (label text); CREATE TABLE member (id integer PRIMARY KEY, email text);
      INSERT INTO guest VALUES ('x'); GRANT SELECT ON guest, member TO reader`);
    try {
      await expect(connect('guest')).rejects.toThrow('guest has no column that finds one person');
      await expect(connect('member')).rejects.toThrow('member has no rows that this user may read');
    } finally {
      await school.execute('DROP TABLE guest, member');
    }
  });
});
