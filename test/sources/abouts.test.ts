import { expect, it } from 'vitest';
import {
  branchDetails,
  branchesOfCompanies,
  companiesByNameAndPlace,
  registrations,
} from '../../sources/kvk/loaders.js';
import { sources } from '../../sources/index.js';

it('loaders declare the customers of their answers, so that an event drops only answers about its customer', () => {
  const silent = sources.flatMap(({ name, loaders = [] }) =>
    loaders.filter((loader) => loader.about === undefined).map((loader) => `${name} ${loader.name}`),
  );
  expect(silent.sort()).toEqual([
    // An event about a ticket names its requester, but not the users with a copy, so it cannot find their cached
    // answers.
    'contact-centre ticketsCopiedToUsers',
    // The tickets of a company are about some of its employees, but do not name them.
    'crm-hubspot newestTickets',
    'crm-hubspot tickets',
    'crm-hubspot ticketsOfCompanies',
  ]);
});

it('answers of the company register are also about the sole trader with the number', () => {
  const about = [
    { type: 'Company', key: '69599084' },
    { namespace: 'kvkNumber', value: '69599084' },
  ];
  expect(registrations.about?.('69599084', null)).toEqual(about);
  expect(branchesOfCompanies.about?.('69599084', null)).toEqual(about);
  expect(branchDetails.about?.({ number: '000037178598', kvkNumber: '69599084' }, null)).toEqual(about);
  const found = [{ kvkNumber: '69599084', vatNumber: null }];
  expect(companiesByNameAndPlace.about?.({ name: 'Test', place: 'Breda' }, found)).toEqual(about);
});
