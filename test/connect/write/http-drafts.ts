import { classified } from './write-project.js';
import { email, field, id, named, order, people, type Drafted } from './drafts.js';

/** Drafts of systems over HTTP. */

const warranties = people.map(({ n, mail, tel, firstName, family }, i) => ({
  id: `reg_${n}`,
  owner: { mail, phone: tel, given: firstName, family, bsn: '231604588', iban: 'NL91ABNA0417164300' },
  cover: { code: i === 0 ? 'B' : i === 1 ? 'P' : 'extra-long' },
  ends: `${10 + i}-11-1987`,
  changed: 1_767_225_600 + i * 1000,
  active: i === 1 ? 'N' : 'Y',
  note: `Called ${firstName} ${family} (${mail.toLowerCase()}) about reg_${n}`,
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
      'Invoice.owner': { leftOutBecause: '--leave-out names it' },
    },
  },
};

const customers = people.map(({ n, mail, firstName, family }) => ({
  No: `C${n}`,
  Email: mail,
  Name: `${firstName} ${family}`,
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

export const SOAP: Drafted = {
  draft: {
    source: 'parcels',
    kind: 'soap',
    connect: {
      soap: '${PARCELS_URL}',
      path: '/parcels',
      wsdl: '/parcels?wsdl',
      faults: { NO_SUCH_CUSTOMER: 'nothing' },
      ping: { operation: 'track', parts: { customer: 'nobody@example.com' } },
    },
    variables: { PARCELS_URL: 'The address of the service.' },
    calls: {
      byEmail: {
        call: { operation: 'customer', parts: { email: '{key}' } },
        ...{ key: 'email', findsCustomers: true, isUnique: true },
        recorded: {
          call: { operation: 'customer', parts: { email: '{key}' } },
          answers: { 'teun.vos@voorbeeld.nl': [{ email: 'teun.vos@voorbeeld.nl', name: 'Teun' }] },
        },
      },
    },
    customer: {
      name: 'ParcelCustomer',
      description: 'A customer.',
      fields: [field('email', 'email'), field('name', 'name')],
    },
    types: {},
  },
  decisions: {
    recordKey: 'email',
    namespaces: {},
    foundBy: { email: { call: 'byEmail', uniqueness: 'enforced' } },
    yields: { email: { path: 'email', kind: 'one' } },
    name: ['name'],
    privacy: { 'ParcelCustomer.email': email, 'ParcelCustomer.name': named },
  },
};
