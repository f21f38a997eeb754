import {
  getOperationAST,
  GraphQLError,
  Kind,
  type ASTVisitor,
  type DocumentNode,
  type ValidationContext,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { operationError } from './request-error.js';

/** Refuses a document that does not tell which of its operations is meant, and kinds of operation that there are not. */
export function useOperationChoice(): Plugin {
  return {
    onParse: ({ context }) => {
      return ({ result }: { result: DocumentNode | Error | null }) => {
        if (result !== null && !(result instanceof Error)) checkChoice(result, context.params.operationName);
      };
    },
    onValidate({ addValidationRule }) {
      addValidationRule(KnownOperationKindRule);
    },
  };
}

function checkChoice(document: DocumentNode, name: string | null | undefined): void {
  if (getOperationAST(document, name) != null) return;
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).length;
  throw operationError(
    'OPERATION_RESOLUTION_FAILURE',
    operations > 1 && name == null
      ? `The document has ${operations} operations; tell by "operationName" which is meant.`
      : `The document has no operation${operations > 0 ? ' of the name asked for' : ''}.`,
  );
}

/** GraphQL's own rules leave this to execution, where it is a defect. */
function KnownOperationKindRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(node) {
      if (context.getSchema().getRootType(node.operation) != null) return;
      context.reportError(
        new GraphQLError(`There is no ${node.operation} to be asked here.`, { nodes: node }),
      );
    },
  };
}
