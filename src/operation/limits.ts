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
  /** Aliased fields. An alias in a fragment counts once for each use of the fragment. */
  maxAliases: number;
  /** Tokens in a document. */
  maxTokens: number;
  /** Directives in a document. Validation compares each with all others at the same place. */
  maxDirectives: number;
}

/**
 * Maximum nesting of brackets, as a multiple of `maxDepth`: selections, fragments and values all have brackets. The
 * parser and later steps are recursive, so this limit protects the stack.
 */
const BRACKETS_PER_LEVEL = 4;

/** Refuses a text that is too large or too deep, before it is parsed. */
export function checkText(source: Source, { maxTokens, maxDepth, maxDirectives }: OperationLimits): void {
  const lexer = new Lexer(source);
  let tokens = 0;
  let directives = 0;
  let open = 0;
  let deepest = 0;
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    if (++tokens > maxTokens) {
      // The remaining tokens are not counted, because that would take the time that the limit protects.
      throw exceeded(
        `A document may have at most ${maxTokens} tokens; ` +
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

function tooMany(subject: string, count: number, limit: number): string {
  return `${subject} ${count}, which is ${count - limit} too many.`;
}

interface Size {
  depth: number;
  aliases: number;
  /** Depth of fragments within fragments. */
  fragments: number;
}

const NOTHING: Size = { depth: 0, aliases: 0, fragments: 0 };

/**
 * Refuses a document that is too deep, has too many aliases, or has endlessly nested fragments, before it is
 * validated. The validation of overlapping fields is recursive over nested fragments, so this limit protects the
 * stack too.
 */
export function checkSelections(
  { definitions }: DocumentNode,
  { maxDepth, maxAliases }: OperationLimits,
): void {
  const fragments = new Map<string, SelectionSetNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition.selectionSet);
  }
  // Each fragment is measured once, even if it is used often. Otherwise the check itself could take exponential time.
  const sizes = new Map<string, Size | 'being measured'>();
  const maxFragments = maxDepth * BRACKETS_PER_LEVEL;

  const sizeOfFragment = (name: string, level: number): Size => {
    const known = sizes.get(name);
    if (known === 'being measured')
      throw operationError('GRAPHQL_VALIDATION_FAILED', 'A fragment may not contain itself.');
    // The fragment itself is at this level.
    if (level - 1 + (known?.fragments ?? 1) > maxFragments)
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
      // Nested fragments may double the number again and again, so it is capped.
      total.aliases = Math.min(total.aliases + size.aliases, Number.MAX_SAFE_INTEGER);
    }
    return total;
  };

  for (const name of fragments.keys()) sizeOfFragment(name, 1);
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const { depth, aliases } = sizeOf(definition.selectionSet, 0);
    if (depth > maxDepth)
      throw exceeded(
        `Fields may be nested at most ${maxDepth} levels deep; ${tooMany('these are', depth, maxDepth)}`,
      );
    if (aliases > maxAliases)
      throw exceeded(
        `An operation may have at most ${maxAliases} aliases, including those in fragments; ` +
          tooMany('this one has', aliases, maxAliases),
      );
  }
}

function exceeded(message: string): GraphQLError {
  return operationError('LIMIT_EXCEEDED', message);
}
