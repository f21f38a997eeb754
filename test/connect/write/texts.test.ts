import { describe, expect, it } from 'vitest';
import type { Draft } from '../../../src/connect/draft.js';
import { writeDeclaration } from '../../../src/connect/write/declaration.js';
import { enumValueName, fieldName, typeName } from '../../../src/connect/write/names.js';
import { writePage } from '../../../src/connect/write/page.js';
import { writeSdl } from '../../../src/connect/write/sdl.js';
import { REST } from './http-drafts.js';
import { SQL } from './table-drafts.js';
import { classified, testWritten, writeProject } from './write-project.js';

describe('the declaration', () => {
  it('is in the order that reads best, without defaults, and has comments for a person to check', () => {
    expect(writeDeclaration(REST.draft, REST.decisions)).toBe(
      `# yaml-language-server: $schema=../node_modules/stekkerdoos/dist/schema/stekkerdoos.schema.json

source: warranty
connect: { rest: "\${WARRANTY_URL}", auth: { bearer: "\${WARRANTY_TOKEN}" }, ping: /v1/status }
limits: { timeout: 1 s, concurrency: 4 }
namespaces:
  registrationId: { pattern: "^reg_\\\\d{4}$", description: The id of a registration. }
identity:
  recordKey: registrationId
  id: id
  foundBy:
    registrationId: { call: byId, uniqueness: enforced }
    email: { call: byEmail, uniqueness: usual }
  yields: { email: { one: owner.mail }, phone: { shown: owner.phone } }
  profile: { name: [ owner.given, owner.family ] }
calls:
  byId: { get: "/v1/registrations/{key}" }
  byEmail: { get: "/v1/registrations?owner={keys|csv}", maxBatch: 20, rows: data, matching: lower }
  repairs:
    get: /v1/registrations/{key}/repairs
    rows: items
    page: { cursor: meta.next, as: after, maxItems: 50 }
fields:
  Customer.warranty: { call: byId }
  Warranty.number: id
  Warranty.mail: owner.mail
  Warranty.phone: owner.phone
  Warranty.given: owner.given
  Warranty.family: owner.family
  Warranty.iban: owner.iban
  Warranty.cover: { from: cover.code, enum: { B: B, P: P, extra-long: EXTRA_LONG } }
  Warranty.until: { from: ends, date: dd-mm-yyyy }
  Warranty.changedAt: { from: changed, dateTime: seconds }
  Warranty.isActive: { from: active, boolean: { "true": [ Y ], "false": [ N ] } }
  Warranty.repairs: { call: repairs, key: id, order: [ -startedAt, code ] }
  # check: The times have no zone. Europe/Amsterdam is assumed.
  Repair.startedAt: { from: start, dateTime: { zone: Europe/Amsterdam } }
  Repair.cost: { from: amountCents, money: { minorUnits: 2, currency: { from: currency } } }
`,
    );
  });

  it('converts names that GraphQL does not allow, and maps them', () => {
    const yaml = writeDeclaration(SQL.draft, SQL.decisions);
    expect(yaml).toContain('  Customer.drivingSchool: { call: byId }\n');
    expect(yaml).toContain('  DrivingSchoolPupil.givenName: given_name\n');
    expect(yaml).not.toContain('password');
    expect(yaml).toContain('order: [ -startsAt, id ]');
  });

  it.each([
    ['2 fields that are swapped', 'Warranty.given: owner.given', 'Warranty.given: owner.family'],
    [
      'the parts of the name in another order',
      '[ owner.given, owner.family ]',
      '[ owner.family, owner.given ]',
    ],
    ['another zone', 'Europe/Amsterdam }', 'Europe/London }'],
    ['another unit of an amount', 'minorUnits: 2', 'minorUnits: 3'],
    ['another value of an enum', 'B: B, P: P', 'B: P, P: B'],
    ['another meaning of a boolean', '"true": [ Y ], "false": [ N ]', '"true": [ N ], "false": [ Y ]'],
  ])('with %s differs from the examples', async (_, right, wrong) => {
    const { draft, decisions } = REST;
    const written = await writeProject(draft, decisions, { change: (yaml) => yaml.replace(right, wrong) });
    expect(written.yaml).toContain(wrong);
    const { promises } = await testWritten(written, ['examples']);
    expect(promises).toMatchObject([{ id: 'examples', outcome: 'failed' }]);
  });
});

describe('the SDL', () => {
  const { draft, decisions } = REST;
  const withPrivacy = (privacy: typeof decisions.privacy) =>
    writeSdl(draft, { ...decisions, privacy: { ...decisions.privacy, ...privacy } });

  it('has a field with its rules, and a comment if it was not recognised', () => {
    const sdl = withPrivacy({
      'Warranty.note': { ...classified('CONTACT', 'ALL'), isRecognised: false },
    });
    expect(sdl)
      .toContain(`  # check: neither its name nor its values were recognised, so it has the strictest rules
  "Note. In the system: note."
  note: String
    @personalData(category: CONTACT, mask: ALL)
    @purpose(any: [SERVICE, CUSTOMER_CARE, ANALYTICS])
    @requiresScopes(scopes: [["contact:read"]])
`);
    expect(sdl).not.toMatch(/bsn|Invoice/);
  });

  it('has a number with a mask as an ID, an enum that identifies a person as text, and no moment with a mask', () => {
    const sdl = withPrivacy({
      'Warranty.changedAt': classified('TRAIT', 'ALL'),
      'Warranty.cover': classified('IDENTITY', 'INITIAL'),
    });
    expect(sdl).not.toContain('changedAt');
    expect(sdl).toContain('cover: String @personalData(category: IDENTITY, mask: INITIAL)');
    expect(sdl).not.toContain('enum');
    const masked: Draft = {
      ...draft,
      customer: {
        ...draft.customer,
        fields: [{ name: 'score', from: 'n', type: 'Int', isList: false, isNullable: false, samples: [17] }],
      },
    };
    expect(
      writeSdl(masked, { ...decisions, privacy: { 'Warranty.score': classified('TRAIT', 'ALL') } }),
    ).toContain('score: ID! @personalData(category: TRAIT, mask: ALL)');
  });

  it('has a plain list if the fields of its order are left out', () => {
    const sdl = withPrivacy({ 'Repair.code': { leftOutBecause: '--leave-out names it' } });
    expect(sdl).toContain('  repairs: [Repair!] @requiresScopes(scopes: [["orders:read"]]) @listSize');
  });

  it('names no type of the core schema', () => {
    const renamed: Draft = {
      ...draft,
      customer: { ...draft.customer, name: 'Customer' },
    };
    const privacy = Object.fromEntries(
      Object.entries(decisions.privacy).map(([path, found]) => [
        path.replace('Warranty.', 'Customer.'),
        found,
      ]),
    );
    expect(writeSdl(renamed, { ...decisions, privacy })).toContain('warranty: WarrantyCustomer\n');
  });
});

describe('names', () => {
  it.each([
    ['startedAt', 'startedAt', 'StartedAt', 'STARTED_AT'],
    ['e-mail', 'eMail', 'EMail', 'E_MAIL'],
    ['Größe', 'grosse', 'Grosse', 'GROSSE'],
    ['2nd line', 'n2ndLine', 'N2ndLine', 'VALUE_2ND_LINE'],
    ['__typename', 'typename', 'Typename', 'TYPENAME'],
    ['', 'unnamed', 'Unnamed', 'EMPTY'],
    ['—', 'unnamed', 'Unnamed', 'EMPTY'],
  ])('of GraphQL for %s', (name, field, type, value) => {
    expect([fieldName(name), typeName(name), enumValueName(name)]).toEqual([field, type, value]);
  });
});

describe('the page', () => {
  it('has the findings and their date, the checks, and the next steps', () => {
    const page = writePage(
      REST.draft,
      REST.decisions,
      [
        { step: 'measure', text: 'byEmail accepts 20 keys.' },
        { step: 'identity', text: 'Addresses repeat.', isWarning: true },
      ],
      new Date('2026-12-01T10:00:00Z'),
    );
    expect(page).toContain('on 2026-12-01');
    expect(page).toContain('## Measured\n\n- byEmail accepts 20 keys.');
    expect(page).toMatch(
      /## To check\n\n- Addresses repeat\.\n- `Repair\.startedAt`: The times have no zone/,
    );
    expect(page).toContain('- `Warranty.bsn`: it is a national number');
    expect(page).toContain('npx stekkerdoos check warranty --key email=-');
  });
});
