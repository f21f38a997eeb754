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

/** An operation as one schema answers it, with its parts switched on and off in one way. */
export interface Plan {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Fragments;
  readonly root: SelectionPlan;
}

export interface PlanOptions extends Pick<Plan, 'schema' | 'operation' | 'fragments'> {
  onPlanGrowth: (fields: number) => void;
}

/** What is selected of objects of one type. */
export interface SelectionPlan {
  readonly fields: readonly FieldPlan[];
  /** Whether one is to be called `__proto__`, which of an ordinary object is no property. */
  readonly isHazardous: boolean;
}

export interface FieldPlan {
  /** Its name in the answer. */
  readonly name: string;
  readonly nodes: FieldNode[];
  readonly definition: GraphQLField<unknown, unknown>;
  readonly parentType: GraphQLObjectType;
  readonly isNonNull: boolean;
  readonly complete: Complete;
  /** Whether its value is a property of its object, without a resolver or arguments. */
  readonly isRead: boolean;
  /** The type of a leaf that is read. */
  readonly leaf: GraphQLLeafType | undefined;
  readonly usesVariables: boolean;
  /** Of a field whose arguments use no variables, once they were read. */
  constant: Arguments | undefined;
  /** What is selected within it, of objects of a type. */
  selectionOn(type: GraphQLObjectType): SelectionPlan;
}

/**
 * What is in a selection is found out when the first object is met that it is made of: it takes no longer than
 * answering from the document once, and nobody else waits for it. `switches` are the variables of `@skip` and `@include`.
 * `onPlanGrowth` counts its fields: where fragments are spread again and again they may be far more than the document has.
 */
export function createPlan(
  { schema, operation, fragments, onPlanGrowth }: PlanOptions,
  rootType: GraphQLObjectType,
  switches: Readonly<Record<string, boolean>>,
): Plan {
  const given = { coerced: switches, sources: {} };
  const { fields } = collectFields(schema, fragments, given, rootType, operation.selectionSet);
  return { schema, operation, fragments, root: selectionPlan(rootType, fields) };

  function selectionPlan(type: GraphQLObjectType, collected: Map<string, FieldNode[]>): SelectionPlan {
    onPlanGrowth(collected.size + 1);
    return {
      fields: [...collected].flatMap(([name, nodes]) => fieldPlan(type, name, nodes) ?? []),
      isHazardous: collected.has('__proto__'),
    };
  }

  function fieldPlan(parentType: GraphQLObjectType, name: string, nodes: FieldNode[]): FieldPlan | undefined {
    const [node] = nodes;
    const asked = node?.name.value ?? '';
    const definition =
      asked === TypeNameMetaFieldDef.name ? TypeNameMetaFieldDef : parentType.getFields()[asked];
    // Validation has refused what is not there.
    if (node === undefined || definition === undefined) return undefined;
    const { type } = definition;
    const nullable = getNullableType(type);
    const isRead = definition.resolve === undefined && definition.args.length === 0;
    const selections = new Map<GraphQLObjectType, SelectionPlan>();
    return {
      name,
      nodes,
      definition,
      parentType,
      isNonNull: isNonNullType(type),
      complete: completionOf(type),
      isRead,
      leaf: isRead && isLeafType(nullable) ? nullable : undefined,
      usesVariables: (node.arguments ?? []).some(({ value }) => hasVariable(value)),
      constant: undefined,
      selectionOn: (on) => {
        let selection = selections.get(on);
        if (selection === undefined) {
          selection = selectionPlan(on, collectSubFields(schema, fragments, given, on, nodes).fields);
          selections.set(on, selection);
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
