import {
  connection,
  decodeCursor,
  encodeCursor,
  invalidCursor,
  pageSize,
  type Company,
  type Context,
} from '../../src/index.js';
import { branchDetails, branchesOfCompanies } from './loaders.js';
import type { BranchesOf } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/** The name of the list in its cursors. */
const BRANCHES = 'Company.branches';

/** Answers schema/sources/kvk.graphql. */
export const resolvers: Resolvers = {
  Company: {
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

async function branchesOf(company: Company, { load }: Context): Promise<BranchesOf | null> {
  const kvkNumber = await company.identifier('kvkNumber');
  return kvkNumber === null ? null : load(branchesOfCompanies, kvkNumber);
}
