import type { Draft } from '../../../src/connect/draft.js';
import { classified } from './write-project.js';
import { email, field, id, named, order, people, type Drafted } from './drafts.js';

/** Drafts of a database and of files. */

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
        rows: people.map(({ n, mail, firstName, family }, i) => ({
          ...{ id: n, e_mail: mail, given_name: firstName, family_name: family },
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
        rows: people.map(({ n, mail, firstName, family }, i) => ({
          ...{ number: `P${n}`, mail, holder: `${firstName} ${family}`, active: i === 0 ? 'yes' : 'no' },
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
