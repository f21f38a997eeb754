import { expect, it } from 'vitest';
import { phoneSpellings, toContact } from '../../sources/crm-salesforce/mapping.js';

it.each([
  ['a mobile number', '+31612345678', ['06-12345678', '06 12345678', '+31 6 12345678', '0612345678']],
  ['a number in a city', '+31201234567', ['020-1234567', '020 1234567', '+31 20 1234567', '0201234567']],
  ['a number in a village', '+31222123456', ['0222-123456', '0222 123456', '+31 222 123456', '0222123456']],
  ['a number abroad', '+3221234567', ['+3221234567', '003221234567']],
])('a search by phone finds %s in the ways it is written', (_, phone, spellings) => {
  expect(phoneSpellings(phone)).toEqual(expect.arrayContaining([phone, ...spellings]));
});

it('a contact has every phone number of the CRM, the mobile one first', () => {
  const contact = {
    Id: '003000000000001AAA',
    Name: 'Jan Jansen',
    LastName: 'Jansen',
    Email: null,
    Phone: '020-1234567',
    MobilePhone: '06-12345678',
    HomePhone: '0222-123456',
    MailingStreet: null,
    MailingPostalCode: null,
    MailingCity: null,
    MailingCountry: null,
    HasOptedOutOfEmail: false,
    DoNotCall: false,
    LastModifiedDate: '2026-11-20T11:59:00.000Z',
    customerNumber: null,
  };
  const phones = toContact(contact).identifiers.filter(({ namespace }) => namespace === 'phone');
  expect(phones.map(({ value }) => value)).toEqual(['06-12345678', '020-1234567', '0222-123456']);
});
