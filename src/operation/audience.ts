import {
  getOperationAST,
  Kind,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type SelectionSetNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { AudienceSchemas } from '../privacy/audience-schema.js';
import type { Asker } from './caller.js';
import { operationError } from './request-error.js';
import type { RequestHead } from './request-state.js';

/** Has each operation answered from the schema of its caller's audience. */
export function useAudience(askerOf: (request: RequestHead) => Asker, schemas: AudienceSchemas): Plugin {
  const kinds = new WeakMap<DocumentNode, Map<string, Kinds>>();
  return {
    onExecute: (event: {
      args: ExecutionArgs;
      context: { request: RequestHead };
      setResultAndStopExecution: (result: ExecutionResult) => void;
    }) => {
      const { args, context, setResultAndStopExecution } = event;
      const { audience, caller } = askerOf(context.request);
      const { document, operationName } = args;
      let ofDocument = kinds.get(document);
      if (ofDocument === undefined) kinds.set(document, (ofDocument = new Map<string, Kinds>()));
      let kind = ofDocument.get(operationName ?? '');
      if (kind === undefined) ofDocument.set(operationName ?? '', (kind = kindsOf(document, operationName)));
      if (kind === 'data') args.schema = schemas.executed(audience);
      else if (kind === 'introspection') args.schema = schemas.shown(audience, caller.purposes);
      else
        setResultAndStopExecution({
          errors: [
            operationError(
              'BAD_USER_INPUT',
              'Ask for "__schema" and "__type" in an operation of their own: they are answered as far as the caller may see.',
            ),
          ],
        });
    },
  };
}

type Kinds = 'data' | 'introspection' | 'both';

/** What an operation asks for at its root. `__typename` is told either way. */
function kindsOf(document: DocumentNode, operationName: string | null | undefined): Kinds {
  const fragments = new Map(
    document.definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one.selectionSet] as const] : [],
    ),
  );
  const names = new Set<string>();
  const seen = new Set<string>();
  const gather = ({ selections }: SelectionSetNode): void => {
    for (const one of selections) {
      if (one.kind === Kind.FIELD) names.add(one.name.value);
      else if (one.kind === Kind.INLINE_FRAGMENT) gather(one.selectionSet);
      else if (!seen.has(one.name.value)) {
        seen.add(one.name.value);
        const fragment = fragments.get(one.name.value);
        if (fragment !== undefined) gather(fragment);
      }
    }
  };
  const operation = getOperationAST(document, operationName);
  if (operation != null) gather(operation.selectionSet);
  const isOfSchema = (name: string): boolean => name === '__schema' || name === '__type';
  const introspects = [...names].some(isOfSchema);
  const asksData = [...names].some((name) => !isOfSchema(name) && name !== '__typename');
  return introspects ? (asksData ? 'both' : 'introspection') : 'data';
}
