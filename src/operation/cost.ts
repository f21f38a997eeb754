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
  TooLargeToCost,
  type CompiledCost,
  type CostField,
  type Selection,
} from './cost/compile.js';
import { introspectionSizes } from './cost/list-sizes.js';
import type { Points, Variables } from './cost/points.js';

/** What one request costs, in points. */
export interface Cost {
  /** At most, by what the schema declares: known before any system is asked. */
  requested: number;
  /** Of which field the most of it is, as `customer.orders.nodes`. */
  mostOf(): string;
  /** What the answer's data really cost: no more than `requested`. */
  actual(data: unknown): number;
}

/** What an operation costs with these variables. */
export type OperationCost = (variables: Variables) => Cost;

/** The result is to be stored with the operation. `switches` are the variables of its `@skip` and `@include`. */
export type CostPlanner = (parts: OperationParts, switches: readonly string[]) => OperationCost;

/** An operation that is made to be expensive costs more than anybody may spend. */
const TOO_LARGE: Cost = {
  requested: Number.MAX_SAFE_INTEGER,
  mostOf: () => 'its fragments',
  actual: () => Number.MAX_SAFE_INTEGER,
};

/** So many ways of switching an operation's parts on and off are remembered. */
const MAX_VARIANTS = 16;

/**
 * Tells what operations cost. Each is computed once, as far as it does not depend on variables; for each request
 * then remain the lengths of lists that variables tell. Documents must have been validated.
 */
export function createCostPlanner(schema: GraphQLSchema, costs: DeclaredCosts): CostPlanner {
  const introspection = introspectionSizes(schema);

  return ({ operation, fragments }, switches) => {
    const defaults = defaultsOf(operation);
    const variants = new Map<string, CompiledCost | undefined>();
    return (given) => {
      const variables =
        Object.keys(defaults).length === 0 ? given : { ...defaults, ...withoutUndefined(given) };
      const variant = switches.map((one) => (variables[one] === true ? '1' : '0')).join('');
      if (!variants.has(variant)) {
        if (variants.size >= MAX_VARIANTS) variants.clear();
        const isIncluded = (node: SelectionNode) => isLeftIn(node, variables);
        try {
          variants.set(
            variant,
            compileCost({ schema, costs, introspection, operation, fragments, isIncluded }),
          );
        } catch (error) {
          if (!(error instanceof TooLargeToCost)) throw error;
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
    mostOf: () => mostOf(root, value).join('.'),
    // Where nothing is told, systems may have been asked all the same. A list that is longer than the schema assumes is not
    // the caller's doing, who was told what it may cost.
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
 * Of an object that may have several types, the answer does not tell which it has: the least that fits is counted. What
 * was asked for and is not there costs as much as it does by itself, since a system was asked; an empty list nothing.
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
  const told = Object.keys(object).length;
  const fitting = field.selections.filter(
    ({ names }) => names.length === told && names.every((name) => Object.hasOwn(object, name)),
  );
  const possible = fitting.length > 0 ? fitting : field.selections;
  return Math.min(...possible.map((selection) => actualOf(selection, object, value)));
}

/** From the outside in, as long as one field makes up more than half. */
function mostOf({ fields }: Selection, value: (points: Points) => number): string[] {
  const [first] = fields.toSorted((one, other) => value(other.points) - value(one.points));
  const all = fields.reduce((total, { points }) => total + value(points), 0);
  if (first === undefined || value(first.points) * 2 < all) return [];
  const [inside = []] = first.selections
    .map((selection) => mostOf(selection, value))
    .toSorted((one, other) => other.length - one.length);
  return [first.name, ...inside];
}

function isLeftIn({ directives = [] }: SelectionNode, variables: Variables): boolean {
  return directives.every(({ name, arguments: given = [] }) => {
    if (name.value !== 'skip' && name.value !== 'include') return true;
    const condition = given.find((one) => one.name.value === 'if')?.value;
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
