import {
  valueFromASTUntyped,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql';
import type { OperationParts } from '../selections.js';
import type { DeclaredCosts } from '../stitching/costs.js';
import {
  compileCost,
  CostTooLargeError,
  type CompiledCost,
  type CostField,
  type Selection,
} from './cost/compile.js';
import { introspectionSizes } from './cost/list-sizes.js';
import type { Points, Variables } from './cost/points.js';

/** The cost of one request, in points. */
export interface Cost {
  /** The maximum cost, by the sizes that the schema declares. It is known before any system is called. */
  requested: number;
  /** The path of the field that causes most of the cost, such as `customer.orders.nodes`. */
  mostExpensiveField(): string;
  /** The actual cost, by the data of the answer. It is at most `requested`. */
  actual(data: unknown): number;
}

/** Computes the cost of an operation with these variables. */
export type OperationCost = (variables: Variables) => Cost;

/**
 * Plans the cost of an operation. Store the result with the operation. `switches` are the variables of `@skip` and
 * `@include`.
 */
export type CostPlanner = (parts: OperationParts, switches: readonly string[]) => OperationCost;

/** The cost of an operation that is too large to compute. It exceeds every limit. */
const TOO_LARGE: Cost = {
  requested: Number.MAX_SAFE_INTEGER,
  mostExpensiveField: () => 'its fragments',
  actual: () => Number.MAX_SAFE_INTEGER,
};

/** Maximum number of cached costs of one operation, by the values of its `@skip` and `@include`. */
const MAX_VARIANTS = 16;

/**
 * Creates the planner. It computes the cost of an operation once, as far as no variables are needed. For each
 * request, it then only adds the list sizes that are in variables. Documents must be validated before.
 */
export function createCostPlanner(schema: GraphQLSchema, costs: DeclaredCosts): CostPlanner {
  const introspection = introspectionSizes(schema);

  return ({ operation, fragments }, switches) => {
    const defaults = defaultsOf(operation);
    const variants = new Map<string, CompiledCost | undefined>();
    return (sent) => {
      const variables =
        Object.keys(defaults).length === 0 ? sent : { ...defaults, ...withoutUndefined(sent) };
      const variant = switches.map((name) => (variables[name] === true ? '1' : '0')).join('');
      if (!variants.has(variant)) {
        if (variants.size >= MAX_VARIANTS) variants.clear();
        const isIncluded = (node: SelectionNode) => isSelected(node, variables);
        try {
          variants.set(
            variant,
            compileCost({ schema, costs, introspection, operation, fragments, isIncluded }),
          );
        } catch (error) {
          if (!(error instanceof CostTooLargeError)) throw error;
          variants.set(variant, undefined);
        }
      }
      const compiled = variants.get(variant);
      return compiled === undefined ? TOO_LARGE : costFor(compiled, variables);
    };
  };
}

function costFor({ sums, points, root }: CompiledCost, variables: Variables): Cost {
  const value = sums.run(variables);
  const requested = value(points);
  return {
    requested,
    mostExpensiveField: () => mostExpensivePath(root, value).join('.'),
    // Without data, systems may still have been called. A list that is longer than the schema declares is not charged
    // to the caller, because it exceeds the maximum cost.
    actual: (data) => (data == null ? requested : Math.min(requested, actualOf(root, data as Answer, value))),
  };
}

type Answer = Readonly<Record<string, unknown>>;

function actualOf(selection: Selection, data: Answer, value: (points: Points) => number): number {
  let total = selection.weight;
  for (const field of selection.fields) {
    if (field.isIntrospection) total += value(field.points);
    else total += field.weight + actualOfField(field, data[field.responseName], value);
  }
  return Math.min(total, Number.MAX_SAFE_INTEGER);
}

/**
 * The actual cost of the data of a field. The answer may not show which type an object of an abstract type has: then
 * the cheapest type that fits is counted. A missing object costs its own weight, because a system was called. An
 * empty list is free.
 */
function actualOfField(
  field: CostField,
  data: unknown,
  value: (points: Points) => number,
  isItem = false,
): number {
  if (Array.isArray(data)) {
    let total = 0;
    for (const item of data) total += actualOfField(field, item, value, true);
    return total;
  }
  if (field.selections.length === 0) return 0;
  if (data == null)
    return field.isList && !isItem ? 0 : Math.min(...field.selections.map(({ weight }) => weight));
  const object = data as Answer;
  const [only, ...others] = field.selections;
  if (only !== undefined && others.length === 0) return actualOf(only, object, value);
  const size = Object.keys(object).length;
  const fitting = field.selections.filter(
    ({ names }) => names.length === size && names.every((name) => Object.hasOwn(object, name)),
  );
  const possible = fitting.length > 0 ? fitting : field.selections;
  return Math.min(...possible.map((selection) => actualOf(selection, object, value)));
}

/** The path to the most expensive field. It goes deeper as long as one field causes more than half of the cost. */
function mostExpensivePath({ fields }: Selection, value: (points: Points) => number): string[] {
  const [first] = fields.toSorted((a, b) => value(b.points) - value(a.points));
  const all = fields.reduce((total, { points }) => total + value(points), 0);
  if (first === undefined || value(first.points) * 2 < all) return [];
  const [inside = []] = first.selections
    .map((selection) => mostExpensivePath(selection, value))
    .toSorted((a, b) => b.length - a.length);
  return [first.name, ...inside];
}

function isSelected({ directives = [] }: SelectionNode, variables: Variables): boolean {
  return directives.every(({ name, arguments: args = [] }) => {
    if (name.value !== 'skip' && name.value !== 'include') return true;
    const condition = args.find((argument) => argument.name.value === 'if')?.value;
    const isTrue = condition !== undefined && valueFromASTUntyped(condition, { ...variables }) === true;
    return isTrue === (name.value === 'include');
  });
}

function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): Variables {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)]],
    ),
  );
}

function withoutUndefined(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined));
}
