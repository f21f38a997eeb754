import {
  GraphQLError,
  Kind,
  parse,
  type ASTVisitor,
  type ParseOptions,
  type SelectionSetNode,
  type Source,
  type ValidationContext,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

export interface OperationLimits {
  /** Levels of nested fields. */
  maxDepth: number;
  /** Aliased fields, each counted as often as its fragment is used. */
  maxAliases: number;
  /** Words and signs in a document. */
  maxTokens: number;
}

/** Refuses operations that are larger than any sensible one, before a source is asked. */
export function useOperationLimits(limits: OperationLimits): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string | Source, options?: ParseOptions) =>
        parseBounded(source, limits.maxTokens, options),
      );
    },
    onValidate({ addValidationRule }) {
      addValidationRule((context: ValidationContext) => limitsRule(context, limits));
    },
  };
}

function parseBounded(source: string | Source, maxTokens: number, options?: ParseOptions) {
  try {
    return parse(source, { ...options, maxTokens });
  } catch (error) {
    // graphql-js tells this limit as any other syntax error.
    if (error instanceof GraphQLError && error.message.includes('Parsing aborted')) {
      throw exceeded(`An operation may have at most ${maxTokens} words and signs.`);
    }
    throw error;
  }
}

interface Size {
  depth: number;
  aliases: number;
}

function limitsRule(context: ValidationContext, { maxDepth, maxAliases }: OperationLimits): ASTVisitor {
  const fragments = new Map<string, Size>();

  const sizeOfFragment = (name: string): Size => {
    const known = fragments.get(name);
    if (known !== undefined) return known;
    // A fragment that holds itself is refused by another rule; here it must only come to an end.
    fragments.set(name, { depth: 0, aliases: 0 });
    const selectionSet = context.getFragment(name)?.selectionSet;
    const size = selectionSet === undefined ? { depth: 0, aliases: 0 } : sizeOf(selectionSet);
    fragments.set(name, size);
    return size;
  };

  const sizeOf = ({ selections }: SelectionSetNode): Size => {
    const total: Size = { depth: 0, aliases: 0 };
    for (const selection of selections) {
      let size: Size;
      if (selection.kind === Kind.FIELD) {
        const inner =
          selection.selectionSet === undefined ? { depth: 0, aliases: 0 } : sizeOf(selection.selectionSet);
        size = { depth: inner.depth + 1, aliases: inner.aliases + (selection.alias === undefined ? 0 : 1) };
      } else if (selection.kind === Kind.INLINE_FRAGMENT) size = sizeOf(selection.selectionSet);
      else size = sizeOfFragment(selection.name.value);
      total.depth = Math.max(total.depth, size.depth);
      total.aliases += size.aliases;
    }
    return total;
  };

  return {
    OperationDefinition(node) {
      const { depth, aliases } = sizeOf(node.selectionSet);
      if (depth > maxDepth) {
        context.reportError(
          exceeded(`Fields may be nested ${maxDepth} levels deep; this operation has ${depth}.`),
        );
      }
      if (aliases > maxAliases) {
        context.reportError(
          exceeded(`An operation may have ${maxAliases} aliases; this one has ${aliases}.`),
        );
      }
    },
  };
}

function exceeded(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } });
}
