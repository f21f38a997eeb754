import {
  Kind,
  type ConstDirectiveNode,
  type FieldDefinitionNode,
  type ObjectTypeDefinitionNode,
} from 'graphql';
import { ConfigError } from '../errors.js';
import type { Sdl } from './sdl.js';

/** The declared cost of a field or type: `@cost` and `@listSize` in schema/directives.graphql. */
export interface DeclaredCost {
  /** Points; undefined: the default. */
  weight?: number;
  listSize?: ListSize;
}

/** The maximum length of a list. */
export interface ListSize {
  /** The length if no argument sets it. */
  assumedSize?: number;
  slicingArguments: readonly string[];
  /** The fields of the result that have this length. Empty: the field itself is the list. */
  sizedFields: readonly string[];
}

/** Costs by type (`Customer`) and field (`Customer.orders`). Types and fields without a declared cost are absent. */
export type DeclaredCosts = ReadonlyMap<string, DeclaredCost>;

/** Reads the costs in the SDL of the core schema and the sources. Throws a ConfigError that lists all invalid ones. */
export function readCosts({ coreSchema, sources }: Pick<Sdl, 'coreSchema' | 'sources'>): DeclaredCosts {
  const costs = new Map<string, DeclaredCost>();
  const problems: string[] = [];
  const types = [coreSchema, ...sources.values()]
    .flatMap(({ definitions }) => definitions)
    .filter(
      (definition): definition is ObjectTypeDefinitionNode => definition.kind === Kind.OBJECT_TYPE_DEFINITION,
    );
  const hasField = (type: string, field: string): boolean =>
    types.some(
      ({ name, fields }) =>
        name.value === type && fields?.some((candidate) => candidate.name.value === field),
    );
  const add = (coordinate: string, { directives }: ObjectTypeDefinitionNode | FieldDefinitionNode): void => {
    const declared = readCost(directives ?? [], (at, problem) => {
      const place = at.loc === undefined ? '' : `${at.loc.source.name} line ${at.loc.startToken.line}: `;
      problems.push(`${place}the @${at.name.value} of "${coordinate}" ${problem}.`);
    });
    if (Object.keys(declared).length > 0) costs.set(coordinate, declared);
  };
  for (const type of types) {
    add(type.name.value, type);
    for (const field of type.fields ?? []) {
      const coordinate = `${type.name.value}.${field.name.value}`;
      add(coordinate, field);
      const { slicingArguments = [], sizedFields = [] } = costs.get(coordinate)?.listSize ?? {};
      for (const name of slicingArguments)
        if (!(field.arguments ?? []).some((argument) => argument.name.value === name))
          problems.push(`"${coordinate}" has a @listSize by "${name}", but no such argument.`);
      for (const name of sizedFields)
        if (!hasField(typeName(field), name))
          problems.push(
            `"${coordinate}" has a @listSize for "${name}", but "${typeName(field)}" has no such field.`,
          );
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return costs;
}

function readCost(
  directives: readonly ConstDirectiveNode[],
  refuse: (at: ConstDirectiveNode, problem: string) => void,
): DeclaredCost {
  const declared: DeclaredCost = {};
  for (const directive of directives) {
    const number = (name: string): number | undefined => {
      const value = argument(directive, name);
      if (value === undefined) return undefined;
      const read = value.kind === Kind.INT ? Number(value.value) : NaN;
      if (read >= 0) return read;
      // A negative cost would reduce the cost of other fields.
      refuse(directive, `needs a "${name}" that is a whole number, 0 or more`);
      return 0;
    };
    if (directive.name.value === 'cost') declared.weight = number('weight') ?? 0;
    if (directive.name.value === 'listSize') {
      const assumedSize = number('assumedSize');
      declared.listSize = {
        ...(assumedSize === undefined ? {} : { assumedSize }),
        slicingArguments: names(directive, 'slicingArguments'),
        sizedFields: names(directive, 'sizedFields'),
      };
    }
  }
  return declared;
}

function argument({ arguments: args = [] }: ConstDirectiveNode, name: string) {
  return args.find((candidate) => candidate.name.value === name)?.value;
}

/** A single name counts as a list with one name. */
function names(directive: ConstDirectiveNode, name: string): string[] {
  const value = argument(directive, name);
  const values = value?.kind === Kind.LIST ? value.values : value === undefined ? [] : [value];
  return values.flatMap((value) => (value.kind === Kind.STRING ? [value.value] : []));
}

function typeName({ type }: FieldDefinitionNode): string {
  let inner = type;
  while (inner.kind !== Kind.NAMED_TYPE) inner = inner.type;
  return inner.name.value;
}
