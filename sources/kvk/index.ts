import { defineSource } from '../../src/index.js';
import { registered } from './companies.js';
import {
  branchDetails,
  branchesOfCompanies,
  companiesByNameAndPlace,
  registrations,
  source,
} from './loaders.js';
import { resolvers } from './resolvers.js';

export const kvk = defineSource({
  ...source,
  companies: registered,
  loaders: [registrations, branchesOfCompanies, branchDetails, companiesByNameAndPlace],
  resolvers,
});
