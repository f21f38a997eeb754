import { collectFields, collectSubFields } from '@graphql-tools/utils';
import {
  getNullableType,
  isLeafType,
  isNonNullType,
  Kind,
  TypeNameMetaFieldDef,
  visit,
  type FieldNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';
import type { Fragments } from '../../selections.js';
import { completionOf, type Complete } from './complete.js';

export type Arguments = Record<string, unknown>;
export type Variables = Record<string, unknown>;

/** The plan of an operation for one schema and one combination of `@skip` and `@include`. */
export interface Plan {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Fragments;
  readonly root: SelectionPlan;
}

export interface PlanOptions extends Pick<Plan, 'schema' | 'operation' | 'fragments'> {
  onPlanGrowth: (fields: number) => void;
}

/** The selection on objects of one type. */
export interface SelectionPlan {
  readonly fields: readonly FieldPlan[];
  /** Whether a response name is `__proto__`, which an ordinary object cannot hold as a property. */
  readonly hasProtoField: boolean;
}

export interface FieldPlan {
  /** The response name. */
  readonly name: string;
  readonly nodes: FieldNode[];
  readonly definition: GraphQLField<unknown, unknown>;
  readonly parentType: GraphQLObjectType;
  readonly isNonNull: boolean;
  readonly complete: Complete;
  /** Whether the value is a property of its object, without a resolver or arguments. */
  readonly isProperty: boolean;
  /** The leaf type of a property. Undefined for other fields. */
  readonly leaf: GraphQLLeafType | undefined;
  readonly usesVariables: boolean;
  /** The cached arguments of a field whose arguments use no variables. */
  constantArguments: Arguments | undefined;
  /** Returns the selection of the field on objects of a type. */
  selectionOn(type: GraphQLObjectType): SelectionPlan;
}

/**
 * Creates the plan of an operation. A selection is planned when its first object is completed. So planning takes no
 * longer than interpreting the document once, and blocks no other request. `switches` are the values of the variables
 * of `@skip` and `@include`. `onPlanGrowth` counts the fields of the plan: with many fragments, a plan may have far
 * more fields than the document.
 */
export function createPlan(
  { schema, operation, fragments, onPlanGrowth }: PlanOptions,
  rootType: GraphQLObjectType,
  switches: Readonly<Record<string, boolean>>,
): Plan {
  const variableValues = { coerced: switches, sources: {} };
  const { fields } = collectFields(schema, fragments, variableValues, rootType, operation.selectionSet);
  return { schema, operation, fragments, root: selectionPlan(rootType, fields) };

  function selectionPlan(type: GraphQLObjectType, collected: Map<string, FieldNode[]>): SelectionPlan {
    onPlanGrowth(collected.size + 1);
    return {
      fields: [...collected].flatMap(([name, nodes]) => fieldPlan(type, name, nodes) ?? []),
      hasProtoField: collected.has('__proto__'),
    };
  }

  function fieldPlan(parentType: GraphQLObjectType, name: string, nodes: FieldNode[]): FieldPlan | undefined {
    const [node] = nodes;
    const fieldName = node?.name.value ?? '';
    const definition =
      fieldName === TypeNameMetaFieldDef.name ? TypeNameMetaFieldDef : parentType.getFields()[fieldName];
    // Validation refuses unknown fields.
    if (node === undefined || definition === undefined) return undefined;
    const { type } = definition;
    const nullable = getNullableType(type);
    const isProperty = definition.resolve === undefined && definition.args.length === 0;
    const selections = new Map<GraphQLObjectType, SelectionPlan>();
    return {
      name,
      nodes,
      definition,
      parentType,
      isNonNull: isNonNullType(type),
      complete: completionOf(type),
      isProperty,
      leaf: isProperty && isLeafType(nullable) ? nullable : undefined,
      usesVariables: (node.arguments ?? []).some(({ value }) => hasVariable(value)),
      constantArguments: undefined,
      selectionOn: (objectType) => {
        let selection = selections.get(objectType);
        if (selection === undefined) {
          const collected = collectSubFields(schema, fragments, variableValues, objectType, nodes);
          selection = selectionPlan(objectType, collected.fields);
          selections.set(objectType, selection);
        }
        return selection;
      },
    };
  }
}

function hasVariable(value: ValueNode): boolean {
  let has = false;
  visit(value, {
    [Kind.VARIABLE]: () => {
      has = true;
    },
  });
  return has;
}
