import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A part of a syntax tree, as Babel describes it. */
export interface SyntaxNode {
  type: string;
  start?: number | null;
  [field: string]: unknown;
}

/** A node with its parent in the tree. */
export interface SyntaxPath {
  node: SyntaxNode;
  parent: SyntaxNode;
}

export interface Mutator {
  readonly name: string;
  /** The texts that can replace the node. */
  mutate(path: SyntaxPath): Iterable<SyntaxNode>;
}

/** Larger numbers are sizes and durations. A test should not notice if one of them grows by 1. */
const LARGEST_SMALL_NUMBER = 10;

/** Removes one statement of a block. Stryker's own mutators only empty a whole block. */
const statementRemoval: Mutator = {
  name: 'StatementRemoval',
  *mutate({ node }) {
    if (node.type === 'ExpressionStatement') yield { type: 'EmptyStatement' };
  },
};

const awaitRemoval: Mutator = {
  name: 'AwaitRemoval',
  *mutate({ node }) {
    if (node.type === 'AwaitExpression') yield structuredClone(node['argument'] as SyntaxNode);
  },
};

const smallNumber: Mutator = {
  name: 'SmallNumber',
  *mutate({ node, parent }) {
    const { type, value } = node;
    if (type !== 'NumericLiteral' || typeof value !== 'number' || value > LARGEST_SMALL_NUMBER) return;
    if (parent['key'] === node || parent.type === 'TSEnumMember') return;
    yield { type: 'NumericLiteral', value: value + 1 };
  },
};

const fieldRemoval: Mutator = {
  name: 'FieldRemoval',
  *mutate({ node }) {
    const { type, properties } = node;
    // Stryker already empties objects, so an object with one field is skipped.
    if (type !== 'ObjectExpression' || !Array.isArray(properties) || properties.length < 2) return;
    for (const property of properties)
      yield structuredClone({ ...node, properties: properties.filter((other) => other !== property) });
  },
};

const OWN_MUTATORS = [statementRemoval, awaitRemoval, smallNumber, fieldRemoval];

/** Whether the node is text of an error or a log line. Tests should not depend on the text of messages. */
function isMessage({ node, parent }: SyntaxPath): boolean {
  if (node.type !== 'StringLiteral' && node.type !== 'TemplateLiteral') return false;
  const callee = parent['callee'];
  const name = JSON.stringify(callee ?? null, (field, value: unknown) =>
    field === 'loc' ? undefined : value,
  );
  return /"name":"(\w*Error|debug|info|warn|error|fatal)"/.test(name);
}

export interface Sample {
  /** The part of all mutants that is tried: 1 for all. */
  fraction: number;
  seed: string;
}

/** Whether a mutant is in the sample. The same seed and code give the same sample. */
function isIn({ fraction, seed }: Sample, name: string, path: SyntaxPath, replacement: SyntaxNode): boolean {
  if (fraction >= 1) return true;
  const text = [seed, name, path.node.start, path.node.type, JSON.stringify(replacement)].join('\n');
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32 < fraction;
}

/** Adds these mutators to Stryker's list, and limits all mutants to the sample. Stryker has no plugin interface for mutators. */
export async function prepareMutators(sample: Sample): Promise<void> {
  // The instrumenter is a dependency of Stryker's core, and exports no list of its mutators.
  const core = createRequire(import.meta.url).resolve('@stryker-mutator/core');
  const instrumenter = createRequire(core).resolve('@stryker-mutator/instrumenter');
  const file = pathToFileURL(join(instrumenter, '../mutators/mutate.js')).href;
  const { allMutators } = (await import(file)) as { allMutators?: Mutator[] };
  if (!Array.isArray(allMutators))
    throw new Error(
      `${file} exports no list "allMutators". Change mutators.ts to fit the installed Stryker.`,
    );
  const mutators = [...allMutators, ...OWN_MUTATORS].map((mutator) => ({
    name: mutator.name,
    *mutate(path: SyntaxPath) {
      if (isMessage(path)) return;
      for (const replacement of mutator.mutate(path))
        if (isIn(sample, mutator.name, path, replacement)) yield replacement;
    },
  }));
  allMutators.splice(0, allMutators.length, ...mutators);
}
