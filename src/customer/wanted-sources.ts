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

/** The sources that a field of Customer will ask for their records; `all` when it depends on what they say. */
export type SourcesOfField = (field: string) => readonly string[] | 'all';

const remembered = new WeakMap<object, ReadonlySet<string>>();

/**
 * The sources whose records the client asks for, so that they can be asked who the customer is from the start. What may
 * come later is not waited for: it asks for itself.
 */
export function wantedSources(
  info: GraphQLResolveInfo,
  sourcesOf: SourcesOfField,
  all: ReadonlySet<string>,
): ReadonlySet<string> {
  // Not by the first node: a condition around another mention decides whether that is one of them.
  const known = remembered.get(info.fieldNodes);
  if (known !== undefined) return known;
  const sources = new Set<string>();
  const type = getNamedType(info.returnType);
  const own = isObjectType(type) ? type.getFields() : {};
  let isForEveryRequest = true as boolean;
  const visit = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if ((selection.directives ?? []).length > 0) isForEveryRequest = false;
      if (isSkipped(selection, info)) continue;
      if (selection.kind === Kind.FIELD) {
        const { value: field } = selection.name;
        if (!(field in own)) continue;
        const those = sourcesOf(field);
        for (const one of those === 'all' ? all : those) sources.add(one);
      } else {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : info.fragments[selection.name.value];
        if (fragment !== undefined) visit(fragment.selectionSet);
      }
    }
  };
  for (const { selectionSet } of info.fieldNodes) if (selectionSet !== undefined) visit(selectionSet);
  if (isForEveryRequest) remembered.set(info.fieldNodes, sources);
  return sources;
}

function isSkipped(selection: SelectionNode, { variableValues }: GraphQLResolveInfo): boolean {
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.if === true ||
    getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.if === false ||
    getDirectiveValues(GraphQLDeferDirective, selection, variableValues)?.if === true
  );
}
