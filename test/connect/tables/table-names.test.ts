import { describe, expect, it } from 'vitest';
import {
  fieldName,
  isSecretName,
  isSecretValue,
  keyKindOf,
  linkName,
  personWordScore,
  typeName,
} from '../../../src/connect/tables/table-names.js';

describe('names of tables', () => {
  it.each([
    'customers',
    'tbl_klanten',
    'Leden',
    'v_contacts',
    'CRM_Relaties',
    'people',
    'app_users',
    'Kunden',
  ])('show that the rows are persons: %s', (name) => {
    expect(personWordScore(name)).toBeGreaterThanOrEqual(10);
  });
  it.each(['customer_groups', 'orders', 'user_settings', 'klantgroep', 'products', 'status'])(
    'do not say so: %s',
    (name) => {
      expect(personWordScore(name)).toBe(0);
    },
  );
  it('make names of fields and types', () => {
    expect(linkName('order_details', 'orders', true)).toBe('details');
    expect(linkName('lesson', 'student', true)).toBe('lessons');
    expect(linkName('Company', 'student', true)).toBe('companies');
    expect(linkName('имя', 'student', true)).toBe('rows');
    expect(typeName('northwind', 'orders', 1)).toBe('NorthwindOrder');
    expect(typeName('northwind', 'northwind_orders', 1)).toBe('NorthwindOrder');
    expect(typeName('shop', 'имя', 3)).toBe('ShopTable3');
    expect(fieldName('FirstName', 1)).toBe('firstName');
    expect(fieldName('2fa', 1)).toBe('n2fa');
    expect(fieldName('имя', 4)).toBe('column4');
  });
});

describe('names of columns', () => {
  it.each([
    'password',
    'passwordHash',
    'wachtwoord',
    'api_key',
    'apiToken',
    'salt',
    'pin',
    'reset_token',
    'PasswordSalt',
    'two_factor_secret',
    'cvv',
    'session_id',
  ])('show that the values are secrets: %s', (name) => {
    expect(isSecretName(name)).toBe(true);
  });
  it.each([
    'email_hash',
    'password_changed_at',
    'pinned',
    'shipping',
    'passport_country',
    'hashtag',
    'tokenised_on',
    'compass',
  ])('do not say so: %s', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
  it.each([
    ['email', 'email'],
    ['E-mailadres', 'email'],
    ['contact_email', 'email'],
    ['email_verified', undefined],
    ['email_hash', undefined],
    ['mobile', 'phone'],
    ['Telefoonnummer', undefined],
    ['telefoon', 'phone'],
    ['fax', undefined],
    ['customer_number', 'number'],
    ['klantnr', 'number'],
    ['kvk_nummer', 'number'],
    ['code', 'number'],
    ['postal_code', undefined],
    ['country_code', undefined],
    ['house_number', undefined],
  ])('show the kind of key: %s is %s', (name, kind) => {
    expect(keyKindOf(name)).toBe(kind);
  });
});

describe('values', () => {
  it.each([
    '$2b$12$abcdefghijklmnopqrstuv',
    '$argon2id$v=19$m=65536',
    '{SSHA}abc',
    'eyJhbGciOi.eyJzdWIi.x',
    '-----BEGIN PRIVATE KEY-----',
    ['sk', 'live', 'abc'].join('_'),
  ])('look like secrets: %s', (value) => {
    expect(isSecretValue(value)).toBe(true);
  });
  it.each(['$25', 'jan@example.nl', 'KLM-2b', 12])('do not look like secrets: %s', (value) => {
    expect(isSecretValue(value)).toBe(false);
  });
});
