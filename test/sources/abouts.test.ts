import { expect, it } from 'vitest';
import { sources } from '../../sources/index.js';

it('loaders say whom their answers are about, so that news of one customer takes nothing from the others', () => {
  const silent = sources.flatMap(({ name, loaders = [] }) =>
    loaders.filter((loader) => loader.about === undefined).map((loader) => `${name} ${loader.name}`),
  );
  expect(silent.sort()).toEqual([
    // News of a ticket names who asked, and not who reads along: it could not be found in what is kept of them.
    'contact-centre ticketsCopiedToUsers',
    // A company's tickets are about some who work there, and do not say whom.
    'crm-hubspot newestTickets',
    'crm-hubspot tickets',
    'crm-hubspot ticketsOfCompanies',
  ]);
});
