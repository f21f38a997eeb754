import { Kind, type FieldDefinitionNode } from 'graphql';
import { connectionOfList, type PageArguments } from '../connection.js';
import { didYouMean } from '../did-you-mean.js';
import type { Mapping } from './grammar.js';
import type { Place, Report } from './problems.js';
import { namedTypeOf, type SourceSdl } from './source-sdl.js';

/** The object type of a field, and whether the field has several objects. */
export function objectTypeOf(
  sdl: SourceSdl,
  { type }: FieldDefinitionNode,
): { type: string; isList: boolean; isConnection: boolean } {
  const named = namedTypeOf(type);
  const node = sdl.nodeTypeOf(named);
  const nullable = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
  return {
    type: node ?? named,
    isList: node !== undefined || nullable.kind === Kind.LIST_TYPE,
    isConnection: node !== undefined,
  };
}

/** Converts the result of a loader to the value of a field. */
export type Finish = (value: unknown, args: PageArguments) => unknown;

/** A page of the loaded list if the field is a connection; otherwise the loaded value. */
export function finishOf(
  field: FieldDefinitionNode,
  { call, order }: Mapping,
  { id, sdl, report }: { id: string; sdl: SourceSdl; report: Report },
): Finish {
  const { type, isConnection } = objectTypeOf(sdl, field);
  const place: Place = ['fields', id];
  if (call !== undefined && sdl.objectNamed(type) === undefined)
    report(place, `"${id}" is a ${type}, and a call returns objects.`, 'Give it an object type in the SDL.');
  if (!isConnection) {
    if (call !== undefined && order !== undefined)
      report(
        [...place, 'order'],
        `"${id}" is not a connection, so it has no order.`,
        `Make it a ${type}Connection in the SDL, or remove order.`,
      );
    return (value) => value;
  }
  if (order === undefined) {
    report(
      place,
      `"${id}" is a page of a list that has no order.`,
      'Add order: two fields of the item, such as [-placedAt, number].',
    );
    return (value) => value;
  }
  const { names, isDescending } = orderOf(order);
  checkOrder(type, names, { place: [...place, 'order'], sdl, report });
  const textOf = (item: unknown, name: string): string => {
    const value = (item as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'string' ? value : '';
  };
  const list = {
    name: id,
    order: isDescending ? ('DESCENDING' as const) : ('ASCENDING' as const),
    positionOf: (item: unknown) => [textOf(item, names[0]), textOf(item, names[1])] as const,
  };
  return (value, args) => (value === null ? null : connectionOfList(value as readonly unknown[], args, list));
}

/** The fields of an order such as `[-placedAt, number]`. Both have the direction of the first. */
export function orderOf([first, second]: NonNullable<Mapping['order']>): {
  names: readonly [string, string];
  isDescending: boolean;
} {
  return {
    names: [first.replace(/^-/, ''), second.replace(/^-/, '')],
    isDescending: first.startsWith('-'),
  };
}

/** Reports order fields that do not exist, or whose values do not sort as text: positions are compared as text. */
function checkOrder(
  type: string,
  names: readonly string[],
  { place, sdl, report }: { place: Place; sdl: SourceSdl; report: Report },
): void {
  const fields = sdl.objectNamed(type)?.fields ?? [];
  const known = fields.map(({ name }) => name.value);
  for (const [i, fieldName] of names.entries()) {
    const declared = fields.find(({ name }) => name.value === fieldName);
    if (declared === undefined)
      report(
        [...place, i],
        `${type} has no field "${fieldName}".`,
        didYouMean(fieldName, known).trim() || `Use one of ${known.join(', ')}.`,
      );
    else if (!['String', 'ID', 'Date', 'DateTime'].includes(namedTypeOf(declared.type)))
      report(
        [...place, i],
        `"${type}.${fieldName}" is not compared as text.`,
        'Order by a Date, a DateTime, an ID or a String.',
      );
  }
}
