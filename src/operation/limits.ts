import {
  Kind,
  Lexer,
  TokenKind,
  type DocumentNode,
  type GraphQLError,
  type SelectionSetNode,
  type Source,
} from 'graphql';
import { operationError } from './request-error.js';

export interface OperationLimits {
  /** Levels of nested fields. */
  maxDepth: number;
  /** Aliased fields, each counted as often as its fragment is used. */
  maxAliases: number;
  /** Words and signs in a document. */
  maxTokens: number;
  /** Directives in a document: validation looks at each with all others of its place. */
  maxDirectives: number;
}

/**
 * Brackets may be nested this many times as deep as fields: a field's selection, and beside it fragments and values.
 * The parser and much after it call themselves for each, so the stack is what this protects.
 */
const BRACKETS_PER_LEVEL = 4;

/** Refuses a text that is larger than any sensible one, before time is spent on parsing it. */
export function checkText(source: Source, { maxTokens, maxDepth, maxDirectives }: OperationLimits): void {
  const lexer = new Lexer(source);
  let tokens = 0;
  let directives = 0;
  let open = 0;
  let deepest = 0;
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    if (++tokens > maxTokens) {
      // Counting the others would be work of the kind that is refused here.
      throw exceeded(
        `A document may have at most ${maxTokens} words and signs; ` +
          `this one has more by character ${token.end} of ${source.body.length}.`,
      );
    }
    const { kind } = token;
    if (kind === TokenKind.AT) directives++;
    else if (kind === TokenKind.BRACE_L || kind === TokenKind.BRACKET_L || kind === TokenKind.PAREN_L)
      deepest = Math.max(deepest, ++open);
    else if (kind === TokenKind.BRACE_R || kind === TokenKind.BRACKET_R || kind === TokenKind.PAREN_R) open--;
  }
  const maxBrackets = maxDepth * BRACKETS_PER_LEVEL;
  if (deepest > maxBrackets)
    throw exceeded(
      `Brackets may be nested at most ${maxBrackets} deep; ${tooMany('these are', deepest, maxBrackets)}`,
    );
  if (directives > maxDirectives)
    throw exceeded(
      `A document may have at most ${maxDirectives} directives; ${tooMany('this one has', directives, maxDirectives)}`,
    );
}

function tooMany(here: string, count: number, most: number): string {
  return `${here} ${count}, which is ${count - most} too many.`;
}

interface Size {
  depth: number;
  aliases: number;
  /** Fragments within fragments. */
  fragments: number;
}

const NOTHING: Size = { depth: 0, aliases: 0, fragments: 0 };

/**
 * Refuses a document that is too deep, has too many aliases, or has fragments within fragments without end, before it is
 * validated. The validation of fields calls itself for each fragment within both of two others, so the stack is what this
 * protects too.
 */
export function checkSelections(
  { definitions }: DocumentNode,
  { maxDepth, maxAliases }: OperationLimits,
): void {
  const fragments = new Map<string, SelectionSetNode>();
  for (const one of definitions) {
    if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one.selectionSet);
  }
  // Each fragment is measured once, however often it is used: else the measuring would be what it protects from.
  const sizes = new Map<string, Size | 'being measured'>();
  const maxFragments = maxDepth * BRACKETS_PER_LEVEL;

  const sizeOfFragment = (name: string, level: number): Size => {
    const known = sizes.get(name);
    if (known === 'being measured')
      throw operationError('GRAPHQL_VALIDATION_FAILED', 'A fragment may not contain itself.');
    if (level + (known?.fragments ?? 0) > maxFragments)
      throw exceeded(`Fragments may be nested in each other at most ${maxFragments} deep; these are deeper.`);
    if (known !== undefined) return known;
    sizes.set(name, 'being measured');
    const selectionSet = fragments.get(name);
    const inner = selectionSet === undefined ? NOTHING : sizeOf(selectionSet, level);
    const size = { ...inner, fragments: inner.fragments + 1 };
    sizes.set(name, size);
    return size;
  };

  const sizeOf = ({ selections }: SelectionSetNode, level: number): Size => {
    const total: Size = { ...NOTHING };
    for (const selection of selections) {
      let size: Size;
      if (selection.kind === Kind.FIELD) {
        const inner = selection.selectionSet === undefined ? NOTHING : sizeOf(selection.selectionSet, level);
        const { depth, aliases } = inner;
        size = { ...inner, depth: depth + 1, aliases: aliases + (selection.alias === undefined ? 0 : 1) };
      } else if (selection.kind === Kind.INLINE_FRAGMENT) size = sizeOf(selection.selectionSet, level);
      else size = sizeOfFragment(selection.name.value, level + 1);
      total.depth = Math.max(total.depth, size.depth);
      total.fragments = Math.max(total.fragments, size.fragments);
      // Fragments that double and double again soon have more than can be counted.
      total.aliases = Math.min(total.aliases + size.aliases, Number.MAX_SAFE_INTEGER);
    }
    return total;
  };

  for (const name of fragments.keys()) sizeOfFragment(name, 1);
  for (const one of definitions) {
    if (one.kind !== Kind.OPERATION_DEFINITION) continue;
    const { depth, aliases } = sizeOf(one.selectionSet, 0);
    if (depth > maxDepth)
      throw exceeded(
        `Fields may be nested at most ${maxDepth} levels deep; ${tooMany('these are', depth, maxDepth)}`,
      );
    if (aliases > maxAliases)
      throw exceeded(
        `An operation may have at most ${maxAliases} aliases, those in fragments included; ` +
          tooMany('this one has', aliases, maxAliases),
      );
  }
}

function exceeded(message: string): GraphQLError {
  return operationError('LIMIT_EXCEEDED', message);
}
