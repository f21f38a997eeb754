import type { Decisions, Draft, DraftField } from '../../../src/connect/draft.js';
import { classified } from './write-project.js';

/** Drafts as readers of other kinds of systems make them, with decisions about them. */

export interface Drafted {
  draft: Draft;
  decisions: Decisions;
}

type FieldOptions = Partial<Omit<DraftField, 'name' | 'from'>>;

const field = (name: string, from: string, type = 'String', options: FieldOptions = {}): DraftField => ({
  ...{ name, from, type, isList: false, isNullable: true, samples: [] },
  ...options,
});

const id = classified('IDENTITY', 'LAST_FOUR');
const named = classified('IDENTITY', 'INITIAL');
const email = classified('CONTACT', 'EMAIL');
const order = classified('TRANSACTION');

const people = [
  { n: 4471, mail: 'Sanne.Prins@Voorbeeld.nl', tel: '06-48213377', given: 'Sanne', family: 'Prins' },
  { n: 4472, mail: 'teun.vos@voorbeeld.nl', tel: '06-48213388', given: 'Teun', family: 'Vosmeer' },
  { n: 4473, mail: 'lotte@bosbouw.nl', tel: '030 7601234', given: 'Lotte', family: 'Boswachter' },
];

const warranties = people.map(({ n, mail, tel, given, family }, i) => ({
  id: `reg_${n}`,
  owner: { mail, phone: tel, given, family, bsn: '231604588', iban: 'NL91ABNA0417164300' },
  cover: { code: i === 0 ? 'B' : i === 1 ? 'P' : 'extra-long' },
  ends: `${10 + i}-11-1987`,
  changed: 1_767_225_600 + i * 1000,
  active: i === 1 ? 'N' : 'Y',
  note: `Called ${given} ${family} (${mail.toLowerCase()}) about reg_${n}`,
  self: `https://portal.example.nl/registrations/reg_${n}?mail=${encodeURIComponent(mail)}`,
  brand: 'Batavus',
  extra: { seenBy: family, score: 81_723 },
}));
const repairs = [0, 1, 2].map((i) => ({
  code: `R-900${i}`,
  registration: 'reg_4471',
  start: `2026-0${i + 1}-03T09:30:00`,
  amountCents: 1250 + i,
  currency: 'EUR',
}));

export const REST: Drafted = {
  draft: {
    source: 'warranty',
    kind: 'rest',
    connect: { rest: '${WARRANTY_URL}', auth: { bearer: '${WARRANTY_TOKEN}' }, ping: '/v1/status' },
    variables: { WARRANTY_URL: 'The address of the system.', WARRANTY_TOKEN: 'The access token.' },
    limits: { timeout: '1 s', concurrency: 4 },
    system: { refused: { status: 401, body: { error: 'Log in.' } } },
    calls: {
      byId: {
        call: { get: '/v1/registrations/{key}', key: 'id' },
        ...{ key: 'id', findsCustomers: true, isUnique: true },
        recorded: {
          call: { get: '/v1/registrations/{key}', key: 'id' },
          answers: Object.fromEntries(warranties.map((row) => [row.id, [row]])),
        },
      },
      byEmail: {
        call: { get: '/v1/registrations?owner={keys|csv}', maxBatch: 20, rows: 'data', matching: 'lower' },
        ...{ key: 'owner.mail', findsCustomers: true, isUnique: false },
        recorded: {
          call: {
            ...{ get: '/v1/registrations?owner={keys|csv}', maxBatch: 20, rows: 'data', matching: 'lower' },
            key: 'owner.mail',
          },
          envelope: { object: 'list', query: 'Sanne.Prins@voorbeeld.nl', data: [] },
          answers: Object.fromEntries(warranties.map((row) => [row.owner.mail, [row]])),
        },
      },
      repairs: {
        call: {
          get: '/v1/registrations/{key}/repairs',
          rows: 'items',
          page: { cursor: 'meta.next', as: 'after', maxItems: 50 },
        },
        ...{ key: 'id', findsCustomers: false, isUnique: false },
        recorded: {
          call: {
            get: '/v1/registrations/{key}/repairs',
            rows: 'items',
            page: { cursor: 'meta.next', as: 'after', maxItems: 50 },
          },
          answers: { reg_4471: repairs },
        },
      },
      unused: {
        call: { get: '/v1/invoices/{key}' },
        ...{ key: 'id', findsCustomers: false, isUnique: false },
        recorded: { call: { get: '/v1/invoices/{key}' }, answers: { reg_4471: [{ owner: 'Sanne' }] } },
      },
    },
    customer: {
      name: 'Warranty',
      description: 'A registered product',
      id: 'id',
      fields: [
        field('number', 'id', 'ID', { isNullable: false }),
        field('mail', 'owner.mail'),
        field('phone', 'owner.phone'),
        field('given', 'owner.given'),
        field('family', 'owner.family'),
        field('bsn', 'owner.bsn', 'String', { samples: ['231604588'] }),
        field('iban', 'owner.iban'),
        field('cover', 'cover.code', 'Enum', { values: ['B', 'P', 'extra-long'] }),
        field('until', 'ends', 'Date', { conversion: { date: 'dd-mm-yyyy' } }),
        field('changedAt', 'changed', 'DateTime', { conversion: { dateTime: 'seconds' } }),
        field('isActive', 'active', 'Boolean', { conversion: { boolean: { true: ['Y'], false: ['N'] } } }),
        field('note', 'note'),
        field('self', 'self'),
        field('brand', 'brand'),
        field('repairs', 'repairs', 'Repair', {
          isList: true,
          call: { name: 'repairs', key: 'id', order: ['-startedAt', 'code'] },
        }),
        field('invoices', 'invoices', 'Invoice', { isList: true, call: { name: 'unused', key: 'id' } }),
      ],
    },
    types: {
      Repair: {
        name: 'Repair',
        description: 'A repair.',
        id: 'code',
        fields: [
          field('code', 'code', 'ID', { isNullable: false }),
          field('startedAt', 'start', 'DateTime', {
            conversion: { dateTime: { zone: 'Europe/Amsterdam' } },
            check: 'The times have no zone. Europe/Amsterdam is assumed.',
          }),
          field('cost', 'amountCents', 'Money', {
            conversion: { money: { minorUnits: 2, currency: { from: 'currency' } } },
          }),
        ],
      },
      Invoice: {
        name: 'Invoice',
        description: 'An invoice.',
        fields: [field('owner', 'owner')],
      },
    },
  },
  decisions: {
    recordKey: 'registrationId',
    namespaces: { registrationId: { pattern: '^reg_\\d{4}$', description: 'The id of a registration.' } },
    foundBy: {
      registrationId: { call: 'byId', uniqueness: 'enforced' },
      email: { call: 'byEmail', uniqueness: 'usual' },
    },
    yields: { email: { path: 'owner.mail', kind: 'one' }, phone: { path: 'owner.phone', kind: 'shown' } },
    name: ['owner.given', 'owner.family'],
    privacy: {
      'Warranty.number': id,
      'Warranty.mail': email,
      'Warranty.phone': classified('CONTACT', 'LAST_FOUR'),
      'Warranty.given': named,
      'Warranty.family': named,
      'Warranty.bsn': { leftOutBecause: 'it is a national number' },
      'Warranty.iban': classified('FINANCIAL', 'LAST_FOUR'),
      'Warranty.cover': order,
      'Warranty.until': order,
      'Warranty.changedAt': order,
      'Warranty.isActive': order,
      'Warranty.note': classified('COMMUNICATION', 'ALL'),
      'Warranty.self': classified('NONE'),
      'Warranty.brand': classified('NONE'),
      'Repair.code': order,
      'Repair.startedAt': order,
      'Repair.cost': classified('FINANCIAL'),
      'Invoice.owner': { leftOutBecause: 'it is not wanted' },
    },
  },
};

const customers = people.map(({ n, mail, given, family }) => ({
  No: `C${n}`,
  Email: mail,
  Name: `${given} ${family}`,
  VATNo: 'NL123456782B90',
  Balance: 1250.75,
}));
const bills = [1, 2, 3].map((i) => ({
  AccountNo: 'C4471',
  No: `B-70${i}`,
  Date: `2026-05-0${i}`,
  Total: 1250.75 + i,
  Lines: [{ Text: 'Repair of the bicycle of Sanne', Count: i }],
}));

export const ODATA: Drafted = {
  draft: {
    source: 'invoicing',
    kind: 'odata',
    connect: { odata: '${INVOICING_URL}', ping: '/Accounts?$top=1', lists: 'in' },
    variables: { INVOICING_URL: 'The address of the service.' },
    calls: {
      byId: {
        call: { set: 'Accounts', by: 'No', maxBatch: 50 },
        ...{ key: 'No', findsCustomers: true, isUnique: true },
        recorded: {
          call: { set: 'Accounts', by: 'No', maxBatch: 50 },
          answers: Object.fromEntries(customers.map((row) => [row.No, [row]])),
        },
      },
      byEmail: {
        call: { set: 'Accounts', by: 'Email', maxBatch: 50, matching: 'collation' },
        ...{ key: 'Email', findsCustomers: true, isUnique: false },
        recorded: {
          call: { set: 'Accounts', by: 'Email', maxBatch: 50, matching: 'collation' },
          answers: Object.fromEntries(customers.map((row) => [row.Email, [row]])),
        },
      },
      bills: {
        call: { set: 'Bills', by: 'AccountNo', expand: ['Lines'], page: { maxPages: 3 } },
        ...{ key: 'No', findsCustomers: false, isUnique: false },
        recorded: {
          call: { set: 'Bills', by: 'AccountNo', expand: ['Lines'], page: { maxPages: 3 } },
          answers: { C4471: bills },
        },
      },
    },
    customer: {
      name: 'Account',
      description: 'An account.',
      id: 'No',
      fields: [
        field('no', 'No', 'ID', { isNullable: false }),
        field('email', 'Email'),
        field('name', 'Name'),
        field('vatNumber', 'VATNo'),
        field('balance', 'Balance', 'Decimal'),
        field('bills', 'bills', 'Bill', {
          isList: true,
          call: { name: 'bills', key: 'No', order: ['-date', 'no'] },
        }),
      ],
    },
    types: {
      Bill: {
        name: 'Bill',
        description: 'A bill.',
        id: 'No',
        fields: [
          field('no', 'No', 'ID', { isNullable: false }),
          field('date', 'Date', 'Date'),
          field('total', 'Total', 'Money', { conversion: { money: { currency: 'EUR' } } }),
          field('lines', 'Lines', 'BillLine', { isList: true }),
        ],
      },
      BillLine: {
        name: 'BillLine',
        description: 'A line of a bill.',
        fields: [field('text', 'Text'), field('count', 'Count', 'Int')],
      },
    },
  },
  decisions: {
    recordKey: 'accountNo',
    namespaces: { accountNo: { pattern: '^C\\d{1,8}$', description: 'The number of an account.' } },
    foundBy: {
      accountNo: { call: 'byId', uniqueness: 'enforced' },
      email: { call: 'byEmail', uniqueness: 'usual' },
    },
    yields: { email: { path: 'Email', kind: 'one' } },
    name: ['Name'],
    privacy: {
      'Account.no': id,
      'Account.email': email,
      'Account.name': named,
      'Account.vatNumber': classified('COMPANY', 'LAST_FOUR'),
      'Account.balance': classified('FINANCIAL'),
      'Bill.no': classified('FINANCIAL'),
      'Bill.date': classified('FINANCIAL'),
      'Bill.total': classified('FINANCIAL'),
      'BillLine.text': classified('NONE'),
      'BillLine.count': classified('NONE'),
    },
  },
};

const column = (name: string, type: string) => ({ name, type, isNullable: false });
const noIndexes = { primaryKey: [], indexes: [], foreignKeys: [] };

const tableCall = (
  call: Readonly<Record<string, unknown>>,
  key: string,
  findsCustomers = true,
): Draft['calls'][string] => ({ call, key, findsCustomers, isUnique: key === 'id' || key === 'number' });

export const SQL: Drafted = {
  draft: {
    source: 'driving-school',
    kind: 'sql',
    connect: { sql: '${DRIVING_SCHOOL_URL}' },
    variables: { DRIVING_SCHOOL_URL: 'The address of the database.' },
    system: { database: 'postgresql' },
    calls: {
      byId: tableCall({ from: 'pupil', by: 'id', keys: 'integer' }, 'id'),
      byEmail: tableCall({ from: 'pupil', by: 'e_mail', matching: 'lower' }, 'e_mail'),
      lessons: tableCall({ from: 'lesson', by: 'pupil_id', keys: 'integer' }, 'id', false),
      vehicles: tableCall({ from: 'vehicle', by: 'id', keys: 'integer' }, 'vehicle_id', false),
    },
    customer: {
      name: 'DrivingSchoolPupil',
      description: 'A pupil.',
      id: 'id',
      fields: [
        field('id', 'id', 'ID', { isNullable: false }),
        field('eMail', 'e_mail'),
        field('given_name', 'given_name'),
        field('family_name', 'family_name'),
        field('passwordHint', 'password_hint'),
        field('born', 'born', 'Date'),
        field('lessons', 'lessons', 'DrivingSchoolLesson', {
          isList: true,
          call: { name: 'lessons', key: 'id', order: ['-startsAt', 'id'] },
        }),
      ],
    },
    types: {
      DrivingSchoolLesson: {
        name: 'DrivingSchoolLesson',
        description: 'A driving lesson.',
        id: 'id',
        fields: [
          field('id', 'id', 'ID', { isNullable: false }),
          field('startsAt', 'starts_at', 'DateTime', { isNullable: false }),
          field('price', 'price', 'Decimal'),
          field('vehicle', 'vehicle', 'DrivingSchoolVehicle', {
            call: { name: 'vehicles', key: 'vehicle_id' },
          }),
        ],
      },
      DrivingSchoolVehicle: {
        name: 'DrivingSchoolVehicle',
        description: 'A car.',
        id: 'id',
        fields: [field('id', 'id', 'ID'), field('model', 'model')],
      },
    },
    tables: {
      pupil: {
        columns: [
          column('id', 'integer'),
          column('e_mail', 'character varying(254)'),
          column('given_name', 'text'),
          column('family_name', 'text'),
          column('password_hint', 'text'),
          column('born', 'date'),
          column('internal', 'jsonb'),
        ],
        primaryKey: ['id'],
        indexes: [
          { columns: ['lower(e_mail)'], isUnique: false },
          { columns: ['password_hint'], isUnique: false },
        ],
        foreignKeys: [],
        rows: people.map(({ n, mail, given, family }, i) => ({
          ...{ id: n, e_mail: mail, given_name: given, family_name: family },
          ...{ password_hint: 'my dog Bobbie', born: `1988-03-0${i + 1}`, internal: { rating: family } },
        })),
      },
      lesson: {
        columns: [
          column('id', 'integer'),
          column('pupil_id', 'integer'),
          column('vehicle_id', 'integer'),
          column('starts_at', 'timestamp with time zone'),
          column('price', 'numeric(8,2)'),
        ],
        primaryKey: ['id'],
        indexes: [{ columns: ['pupil_id', 'starts_at', 'id'], isUnique: false }],
        foreignKeys: [
          { columns: ['pupil_id'], table: 'pupil', references: ['id'] },
          { columns: ['vehicle_id'], table: 'vehicle', references: ['id'] },
        ],
        rows: [7, 8, 9].map((day) => ({
          ...{ id: 90_000 + day, pupil_id: 4471, vehicle_id: 12, price: '62.50' },
          starts_at: `2026-05-0${day}T09:00:00+02:00`,
        })),
      },
      vehicle: {
        columns: [column('id', 'integer'), column('model', 'text')],
        primaryKey: ['id'],
        indexes: [],
        foreignKeys: [],
        rows: [
          { id: 12, model: 'Volvo' },
          { id: 13, model: 'Skoda' },
        ],
      },
      unused: { columns: [column('secret', 'text')], ...noIndexes, rows: [{ secret: 'Prins' }] },
    },
  },
  decisions: {
    recordKey: 'pupilId',
    namespaces: { pupilId: { pattern: '^[1-9]\\d{0,8}$', description: 'The id of a pupil.' } },
    foundBy: {
      pupilId: { call: 'byId', uniqueness: 'enforced' },
      email: { call: 'byEmail', uniqueness: 'usual' },
    },
    yields: { email: { path: 'e_mail', kind: 'one' } },
    name: ['given_name', 'family_name'],
    privacy: {
      'DrivingSchoolPupil.id': id,
      'DrivingSchoolPupil.eMail': email,
      'DrivingSchoolPupil.given_name': named,
      'DrivingSchoolPupil.family_name': named,
      'DrivingSchoolPupil.passwordHint': { leftOutBecause: 'it looks like a secret' },
      'DrivingSchoolPupil.born': classified('TRAIT', 'YEAR'),
      'DrivingSchoolLesson.id': order,
      'DrivingSchoolLesson.startsAt': order,
      'DrivingSchoolLesson.price': order,
      'DrivingSchoolVehicle.id': classified('NONE'),
      'DrivingSchoolVehicle.model': classified('NONE'),
    },
  },
};

export const FILES: Drafted = {
  draft: {
    source: 'parking',
    kind: 'files',
    connect: {
      files: '${PARKING_FOLDER}',
      tables: { permit: { files: 'permits.csv' }, visit: { files: 'visits/day=*/*.parquet' } },
    },
    variables: { PARKING_FOLDER: 'The absolute path of the folder.' },
    limits: { timeout: '2 s', concurrency: 2 },
    calls: {
      byNumber: tableCall({ from: 'permit', by: 'number' }, 'number'),
      byEmail: tableCall({ from: 'permit', by: 'mail', matching: 'lower' }, 'mail'),
      visits: tableCall({ from: 'visit', by: 'permit' }, 'number', false),
      notes: tableCall(
        { query: 'SELECT permit, id FROM visit() WHERE permit = ANY(:keys) ORDER BY id', key: 'permit' },
        'number',
        false,
      ),
    },
    customer: {
      name: 'ParkingPermit',
      description: 'A permit.',
      id: 'number',
      fields: [
        field('number', 'number', 'ID', { isNullable: false }),
        field('mail', 'mail'),
        field('holder', 'holder'),
        field('isActive', 'active', 'Boolean', {
          conversion: { boolean: { true: ['yes'], false: ['no'] } },
        }),
        field('visits', 'visits', 'ParkingVisit', {
          isList: true,
          call: { name: 'visits', key: 'number', order: ['-enteredAt', 'id'] },
        }),
        field('visitNumbers', 'visitNumbers', 'ParkingNote', {
          isList: true,
          call: { name: 'notes', key: 'number' },
        }),
      ],
    },
    types: {
      ParkingVisit: {
        name: 'ParkingVisit',
        description: 'A visit.',
        id: 'id',
        fields: [
          field('id', 'id', 'ID', { isNullable: false }),
          field('enteredAt', 'entered_at', 'DateTime'),
          field('paid', 'paid', 'Money', { conversion: { money: { currency: 'EUR' } } }),
        ],
      },
      ParkingNote: {
        name: 'ParkingNote',
        description: 'A visit by its number.',
        fields: [field('id', 'id', 'ID')],
      },
    },
    tables: {
      permit: {
        files: 'permits.csv',
        columns: ['number', 'mail', 'holder', 'active'].map((name) => column(name, 'VARCHAR')),
        ...noIndexes,
        rows: people.map(({ n, mail, given, family }, i) => ({
          ...{ number: `P${n}`, mail, holder: `${given} ${family}`, active: i === 0 ? 'yes' : 'no' },
        })),
      },
      visit: {
        files: 'visits/day=*/*.parquet',
        columns: [
          column('id', 'BIGINT'),
          column('permit', 'VARCHAR'),
          column('entered_at', 'TIMESTAMP WITH TIME ZONE'),
          column('paid', 'DECIMAL(8,2)'),
          column('day', 'VARCHAR'),
        ],
        ...noIndexes,
        rows: ['2026-10-01', '2026-10-02'].map((day, i) => ({
          ...{ id: 5501 + i, permit: 'P4471', entered_at: `${day}T10:00:00+00:00`, paid: '2.50', day },
        })),
      },
    },
  },
  decisions: {
    recordKey: 'permitNumber',
    namespaces: { permitNumber: { pattern: '^P\\d{4}$', description: 'The number of a permit.' } },
    foundBy: {
      permitNumber: { call: 'byNumber', uniqueness: 'enforced' },
      email: { call: 'byEmail', uniqueness: 'usual' },
    },
    yields: { email: { path: 'mail', kind: 'one' } },
    name: ['holder'],
    privacy: {
      'ParkingPermit.number': id,
      'ParkingPermit.mail': email,
      'ParkingPermit.holder': named,
      'ParkingPermit.isActive': order,
      'ParkingVisit.id': classified('BEHAVIOUR'),
      'ParkingVisit.enteredAt': classified('BEHAVIOUR'),
      'ParkingVisit.paid': order,
      'ParkingNote.id': classified('BEHAVIOUR'),
    },
  },
};
