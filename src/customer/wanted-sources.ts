import { GraphQLDeferDirective } from '@graphql-tools/utils';
import {
  getDirectiveValues,
  getNamedType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isObjectType,
  Kind,
  type GraphQLResolveInfo,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** The sources whose records a field of Customer needs; `all` if that depends on their data. */
export type SourcesOfField = (field: string) => readonly string[] | 'all';

const cached = new WeakMap<object, ReadonlySet<string>>();

/**
 * The sources whose records the client selects, so that the first walk includes them. Deferred fields are not included:
 * they start their own walk.
 */
export function wantedSources(
  info: GraphQLResolveInfo,
  sourcesOf: SourcesOfField,
  all: ReadonlySet<string>,
): ReadonlySet<string> {
  // The key is the list of nodes, not the first node: a condition decides whether another node of the field belongs to it.
  const known = cached.get(info.fieldNodes);
  if (known !== undefined) return known;
  const sources = new Set<string>();
  const type = getNamedType(info.returnType);
  const fields = isObjectType(type) ? type.getFields() : {};
  let isForEveryRequest = true as boolean;
  const visit = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if ((selection.directives ?? []).length > 0) isForEveryRequest = false;
      if (isSkipped(selection, info)) continue;
      if (selection.kind === Kind.FIELD) {
        const { value: field } = selection.name;
        if (!(field in fields)) continue;
        const those = sourcesOf(field);
        for (const source of those === 'all' ? all : those) sources.add(source);
      } else {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : info.fragments[selection.name.value];
        if (fragment !== undefined) visit(fragment.selectionSet);
      }
    }
  };
  for (const { selectionSet } of info.fieldNodes) if (selectionSet !== undefined) visit(selectionSet);
  if (isForEveryRequest) cached.set(info.fieldNodes, sources);
  return sources;
}

function isSkipped(selection: SelectionNode, { variableValues }: GraphQLResolveInfo): boolean {
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.if === true ||
    getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.if === false ||
    getDirectiveValues(GraphQLDeferDirective, selection, variableValues)?.if === true
  );
}
