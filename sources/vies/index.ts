import { defineSource } from '../../src/index.js';
import { viesCompanies } from './companies.js';
import { companiesByVatNumber, source, vatChecks } from './loaders.js';
import { resolvers } from './resolvers.js';

export const vies = defineSource({
  ...source,
  companies: viesCompanies,
  loaders: [vatChecks, companiesByVatNumber],
  resolvers,
});
