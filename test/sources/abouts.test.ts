import { expect, it } from 'vitest';
import { sources } from '../../sources/index.js';

it('loaders name the customers in their answers, so that an event about one customer drops no answer about others', () => {
  const silent = sources.flatMap(({ name, loaders = [] }) =>
    loaders.filter((loader) => loader.about === undefined).map((loader) => `${name} ${loader.name}`),
  );
  expect(silent.sort()).toEqual([
    // An event about a ticket names its requester, but not the users with a copy. So it could not find their cached answers.
    'contact-centre ticketsCopiedToUsers',
    // A company's tickets are about some of its employees, but do not name them.
    'crm-hubspot newestTickets',
    'crm-hubspot tickets',
    'crm-hubspot ticketsOfCompanies',
  ]);
});
