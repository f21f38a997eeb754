import {
  isObjectType,
  Kind,
  visit,
  type DefinitionNode,
  type DocumentNode,
  type GraphQLSchema,
  type StringValueNode,
} from 'graphql';

/**
 * The descriptions of object types and their fields, by `Customer` and `Customer.orders`. What several files describe has
 * the description of the first.
 */
export function readDescriptions(files: readonly (readonly DefinitionNode[])[]): ReadonlyMap<string, string> {
  const descriptions = new Map<string, string>();
  const add = (path: string, { description }: { description?: StringValueNode | undefined }) => {
    if (description !== undefined && !descriptions.has(path)) descriptions.set(path, description.value);
  };
  for (const definition of files.flat()) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    const { value: type } = definition.name;
    add(type, definition);
    for (const field of definition.fields ?? []) add(`${type}.${field.name.value}`, field);
  }
  return descriptions;
}

/** Replaces the descriptions that stitching chose: those of the last file. */
export function setDescriptions(schema: GraphQLSchema, descriptions: ReadonlyMap<string, string>): void {
  for (const [path, description] of descriptions) {
    const [typeName = '', fieldName] = path.split('.');
    const type = schema.getType(typeName);
    if (!isObjectType(type)) continue;
    const described = fieldName === undefined ? type : type.getFields()[fieldName];
    if (described !== undefined) described.description = description;
  }
}

/** A copy, because stitching changes the nodes of the files that it joins. */
export function copyOf(document: DocumentNode): DocumentNode {
  return visit(document, { enter: (node) => ({ ...node }) });
}
