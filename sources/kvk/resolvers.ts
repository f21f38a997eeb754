import { pageSize, type Company, type Context } from '../../src/index.js';
import { registered } from './companies.js';
import { branchDetails, branchesOfCompanies } from './loaders.js';
import type { BranchesOf, Registration } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/** Answers schema/sources/kvk.graphql. */
export const resolvers: Resolvers = {
  Company: {
    registeredName: valueOf('registeredName'),
    statutoryName: valueOf('statutoryName'),
    tradeNames: valueOf('tradeNames'),
    legalForm: valueOf('legalForm'),
    rsin: valueOf('rsin'),
    registeredOn: valueOf('registeredOn'),
    startedOn: valueOf('startedOn'),
    endedOn: valueOf('endedOn'),
    registeredEmployees: valueOf('registeredEmployees'),
    hasRefusedAdvertising: valueOf('hasRefusedAdvertising'),
    activities: valueOf('activities'),
    addresses: valueOf('addresses'),
    websites: valueOf('websites'),
    owner: valueOf('owner'),
    branches: async (company, { first }, context) => {
      const size = pageSize(first);
      return (await branchesOf(company, context))?.branches.slice(0, size) ?? null;
    },
    branchCount: async (company, _, context) => (await branchesOf(company, context))?.count ?? null,
  },
  Branch: {
    details: (branch, _, { load }) => load(branchDetails, branch),
  },
};

function valueOf<F extends keyof Registration>(field: F) {
  return async (company: Company): Promise<Registration[F] | null> =>
    (await company.record(registered))?.[field] ?? null;
}

async function branchesOf(company: Company, { load }: Context): Promise<BranchesOf | null> {
  const kvkNumber = await company.identifier('kvkNumber');
  return kvkNumber === null ? null : load(branchesOfCompanies, kvkNumber);
}
