import {
  connection,
  decodeCursor,
  encodeCursor,
  invalidCursor,
  pageSize,
  type Company,
  type Context,
} from '../../src/index.js';
import { registered } from './companies.js';
import { branchDetails, branchesOfCompanies } from './loaders.js';
import type { BranchesOf, Registration } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/** The name of the list in its cursors. */
const BRANCHES = 'Company.branches';

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
    registeredEmployeeCount: valueOf('registeredEmployeeCount'),
    hasRefusedAdvertising: valueOf('hasRefusedAdvertising'),
    activities: valueOf('activities'),
    addresses: valueOf('addresses'),
    websites: valueOf('websites'),
    owner: valueOf('owner'),
    branches: async (company, { first, after }, context) => {
      const size = pageSize(first);
      const start = after == null ? 0 : positionOf(after);
      const found = await branchesOf(company, context);
      const items = found?.branches
        .slice(start, start + size + 1)
        .map((node, i) => ({ node, end: start + i + 1 }));
      return items === undefined
        ? null
        : connection(items, size, {
            nodeOf: ({ node }) => node,
            cursorOf: ({ end }) => encodeCursor(BRANCHES, [String(end)]),
          });
    },
    branchCount: async (company, _, context) => (await branchesOf(company, context))?.count ?? null,
  },
  Branch: {
    details: (branch, _, { load }) => load(branchDetails, branch),
  },
};

/**
 * The number of branches before the page. Cursors do not contain branch numbers, because these are masked for
 * some callers.
 */
function positionOf(cursor: string): number {
  const [position = ''] = decodeCursor(BRANCHES, cursor, 1);
  if (!/^\d{1,6}$/.test(position)) throw invalidCursor();
  return Number(position);
}

function valueOf<F extends keyof Registration>(field: F) {
  return async (company: Company): Promise<Registration[F] | null> =>
    (await company.record(registered))?.[field] ?? null;
}

async function branchesOf(company: Company, { load }: Context): Promise<BranchesOf | null> {
  const kvkNumber = await company.identifier('kvkNumber');
  return kvkNumber === null ? null : load(branchesOfCompanies, kvkNumber);
}
