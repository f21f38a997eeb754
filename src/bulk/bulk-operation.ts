import type { GraphQLError } from 'graphql';
import {
  Kind,
  parse,
  parseType,
  print,
  validate,
  visit,
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  type SelectionNode,
} from 'graphql';
import { httpError } from '../operation/request-error.js';
import { operationIn, type OperationParts } from '../selections.js';

/** A persisted operation of one customer, rewritten to an operation of a list of customers. */
export interface BulkOperation {
  name: string;
  /** The operation of the list. */
  document: DocumentNode;
  /** The operation of one customer, whose selection has the columns of a CSV. */
  single: OperationParts;
  /** The variable that has the list of keys. */
  keyVariable: string;
  /** The name of the customer in the result. */
  responseName: string;
}

/** Rewrites `customers(by: $by)` of a list of keys to `customer(by: $by)` of one key. */
function toSingle(document: DocumentNode): DocumentNode {
  return visit(document, {
    VariableDefinition: (definition) =>
      print(definition.type) === '[CustomerKey!]!'
        ? { ...definition, type: parseType('CustomerKey!', { noLocation: true }) }
        : undefined,
    SelectionSet: (set, _key, parent) =>
      isOperation(parent)
        ? { ...set, selections: set.selections.map((selection) => renamed(selection)) }
        : undefined,
  });
}

/**
 * Rewrites an operation `query($by: CustomerKey!) { customer(by: $by) { ... } }` to `customers(by: $by)`, so that each system
 * is called once for many customers. Throws a GraphQLError if the operation has another form.
 */
export function bulkOperation(name: string, text: string, schema: GraphQLSchema): BulkOperation {
  const singleDocument = toSingle(parse(text, { noLocation: true }));
  const single = operationIn(singleDocument, name);
  const field = single?.operation.selectionSet.selections[0];
  const keyVariable = field?.kind === Kind.FIELD ? keyVariableOf(field) : undefined;
  if (
    single === undefined ||
    field?.kind !== Kind.FIELD ||
    keyVariable === undefined ||
    single.operation.selectionSet.selections.length > 1
  )
    throw unsuitable(name);
  const document = visit(singleDocument, {
    VariableDefinition: (definition) => {
      if (definition.variable.name.value !== keyVariable) return undefined;
      const key = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'CustomerKey' } } as const;
      const required = { kind: Kind.NON_NULL_TYPE, type: key } as const;
      return {
        ...definition,
        type: { kind: Kind.NON_NULL_TYPE, type: { kind: Kind.LIST_TYPE, type: required } },
      };
    },
    SelectionSet: (set, _key, parent) => {
      if (!isOperation(parent)) return undefined;
      const list: FieldNode = {
        ...field,
        alias: { kind: Kind.NAME, value: responseNameOf(field) },
        name: { kind: Kind.NAME, value: 'customers' },
      };
      return { ...set, selections: [list] };
    },
  });
  // The variable may also be used where a list does not fit.
  if (validate(schema, document).length > 0) throw unsuitable(name);
  return { name, document, single, keyVariable, responseName: responseNameOf(field) };
}

function isOperation(parent: unknown): boolean {
  return (
    typeof parent === 'object' &&
    parent !== null &&
    'kind' in parent &&
    parent.kind === Kind.OPERATION_DEFINITION
  );
}

function renamed(selection: SelectionNode): SelectionNode {
  return selection.kind === Kind.FIELD && selection.name.value === 'customers'
    ? { ...selection, name: { kind: Kind.NAME, value: 'customer' } }
    : selection;
}

function responseNameOf({ alias, name }: FieldNode): string {
  return alias?.value ?? name.value;
}

function keyVariableOf({ name, arguments: args = [], directives = [] }: FieldNode): string | undefined {
  const [by] = args;
  if (name.value !== 'customer' || directives.length > 0 || by?.value.kind !== Kind.VARIABLE)
    return undefined;
  return by.value.name.value;
}

function unsuitable(name: string): GraphQLError {
  return httpError(
    'BAD_REQUEST',
    `The operation "${name}" cannot run in bulk. It must have one field, customer(by: $by) with a variable of the type CustomerKey!, or customers(by: $by) with [CustomerKey!]!.`,
  );
}
