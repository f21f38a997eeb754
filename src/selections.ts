import {
  getOperationAST,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

export type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;

/** One operation of a document, with the fragments that it may spread. */
export interface OperationParts {
  operation: OperationDefinitionNode;
  fragments: Fragments;
}

/** Undefined when the document has no such operation, or several and no name says which. */
export function operationIn(document: DocumentNode, name?: string | null): OperationParts | undefined {
  const operation = getOperationAST(document, name);
  if (operation == null) return undefined;
  // A fragment may be named `constructor`.
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  return { operation, fragments };
}

/** The fields of a selection, those that its fragments add included. Each fragment is read once. */
export function* selectedFields(
  { selections }: SelectionSetNode,
  fragments: Fragments,
  seen = new Set<string>(),
): Generator<FieldNode, void> {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) yield selection;
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      yield* selectedFields(selection.selectionSet, fragments, seen);
    else if (!seen.has(selection.name.value)) {
      seen.add(selection.name.value);
      const fragment = fragments[selection.name.value];
      if (fragment !== undefined) yield* selectedFields(fragment.selectionSet, fragments, seen);
    }
  }
}
