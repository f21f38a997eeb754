import {
  FieldsOnCorrectTypeRule,
  GraphQLError,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  specifiedRules,
  typeFromAST,
  type ASTNode,
  type ASTVisitor,
  type GraphQLInputType,
  type GraphQLSchema,
  type IntValueNode,
  type StringValueNode,
  type ValidationContext,
  type VariableDefinitionNode,
  getVariableValues,
  isInputType,
} from 'graphql';
import { parseGid } from './gid.js';
import { invalidGidExplanation, invalidVariable, oneOfExplanation, type Problem } from './vendor-errors.js';

/** The vendor's validation rules that differ from those of the specification. */

export const validationRules = [
  ...specifiedRules.filter((rule) => rule !== FieldsOnCorrectTypeRule),
  knownFields,
  globalIdLiterals,
];

function knownFields(context: ValidationContext): ASTVisitor {
  return {
    Field(node, _key, _parent, _path, ancestors) {
      const type = context.getParentType();
      if (!type || context.getFieldDef()) return;
      const fieldName = node.name.value;
      context.reportError(
        new GraphQLError(`Field '${fieldName}' doesn't exist on type '${type.name}'`, {
          nodes: node,
          path: [...documentPath(ancestors), keyOf(node) ?? fieldName],
          extensions: { code: 'undefinedField', typeName: type.name, fieldName },
        }),
      );
    },
  };
}

function globalIdLiterals(context: ValidationContext): ASTVisitor {
  const check = (node: StringValueNode | IntValueNode, above: readonly Ancestor[]): void => {
    const isId = /^\[*ID\b/.test(String(context.getInputType()));
    if (!isId || parseGid(node.value)) return;
    context.reportError(
      new GraphQLError(invalidGidExplanation(node.value), {
        nodes: node,
        path: documentPath(above),
        extensions: { code: 'argumentLiteralsIncompatible', typeName: 'CoercionError' },
      }),
    );
  };
  return {
    StringValue: (node, _key, parent, _path, ancestors) => {
      check(node, parent ? [...ancestors, parent] : ancestors);
    },
    IntValue: (node, _key, parent, _path, ancestors) => {
      check(node, parent ? [...ancestors, parent] : ancestors);
    },
  };
}

type Ancestor = ASTNode | readonly ASTNode[];

/** The names from the operation to a field, with which the vendor locates an error in a document. */
function documentPath(ancestors: readonly Ancestor[]): string[] {
  return ancestors.flatMap((ancestor) => ('kind' in ancestor ? (keyOf(ancestor) ?? []) : []));
}

function keyOf(node: ASTNode): string | undefined {
  switch (node.kind) {
    case Kind.OPERATION_DEFINITION:
      return [node.operation, ...(node.name ? [node.name.value] : [])].join(' ');
    case Kind.FRAGMENT_DEFINITION:
      return `fragment ${node.name.value}`;
    case Kind.INLINE_FRAGMENT:
      return ['...', ...(node.typeCondition ? [node.typeCondition.name.value] : [])].join(' ');
    case Kind.FIELD:
      return node.alias?.value ?? node.name.value;
    case Kind.ARGUMENT:
    case Kind.OBJECT_FIELD:
      return node.name.value;
    default:
      return undefined;
  }
}

export interface CheckedVariables {
  errors: GraphQLError[];
  values: Record<string, unknown>;
}

export function checkVariables(
  schema: GraphQLSchema,
  definitions: readonly VariableDefinitionNode[],
  input: Record<string, unknown>,
): CheckedVariables {
  const errors: GraphQLError[] = [];
  const values: Record<string, unknown> = {};
  for (const definition of definitions) {
    const name = definition.variable.name.value;
    const { coerced, errors: coercionErrors = [] } = getVariableValues(schema, [definition], input);
    Object.assign(values, coerced);
    const type = typeFromAST(schema, definition.type);
    const problems: Problem[] = coercionErrors.map(({ message }) => ({ path: [], explanation: message }));
    if (isInputType(type)) problems.push(...problemsIn(values[name], type, []));
    if (problems.length > 0) errors.push(invalidVariable(definition, input[name], problems));
  }
  return { errors, values };
}

function problemsIn(value: unknown, type: GraphQLInputType, path: (string | number)[]): Problem[] {
  if (value === null || value === undefined) return [];
  if (isNonNullType(type)) return problemsIn(value, type.ofType, path);
  if (isListType(type)) {
    const items: unknown[] = Array.isArray(value) ? value : [value];
    return items.flatMap((item, index) => problemsIn(item, type.ofType, [...path, index]));
  }
  if (isInputObjectType(type)) {
    const fields = Object.entries(value);
    // The vendor's contract does not show that this input is a `@oneOf`.
    const count = fields.filter(([, inner]) => inner !== null).length;
    const isOneOf = type.name === 'CustomerIdentifierInput';
    const explanation = oneOfExplanation(type.name, count);
    return [
      ...(isOneOf && count !== 1 ? [{ path, explanation }] : []),
      ...fields.flatMap(([name, inner]) => {
        const field = type.getFields()[name];
        return field ? problemsIn(inner, field.type, [...path, name]) : [];
      }),
    ];
  }
  if (type.name !== 'ID' || typeof value !== 'string' || parseGid(value)) return [];
  return [{ path, explanation: invalidGidExplanation(value) }];
}
