import { BREAK, execute, visit, type DocumentNode, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';

const known = new WeakMap<DocumentNode, boolean>();

/** Whether a field is to be called `then` in the answer: Yoga's executor takes an object with that property for a promise. */
export function hasFieldThen(document: DocumentNode): boolean {
  let has = known.get(document);
  if (has === undefined) {
    has = false;
    visit(document, {
      Field: ({ alias, name }) => {
        if ((alias ?? name).value !== 'then') return undefined;
        has = true;
        return BREAK;
      },
    });
    known.set(document, has);
  }
  return has;
}

/** Has graphql-js execute what Yoga's executor cannot. It knows no `@defer`, so useDeferred removes it from such a document. */
export function useResponseNames(): Plugin {
  return {
    onExecute({
      args,
      setExecuteFn,
    }: {
      args: ExecutionArgs;
      setExecuteFn: (execute: (asked: ExecutionArgs) => unknown) => void;
    }) {
      if (hasFieldThen(args.document)) setExecuteFn((asked) => execute(asked));
    },
  };
}
