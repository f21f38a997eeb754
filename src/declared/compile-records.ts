import {
  Kind,
  type ConstDirectiveNode,
  type FieldDefinitionNode,
  type ObjectTypeDefinitionNode,
} from 'graphql';
import type { Client } from '../connectors/connector.js';
import type { Context } from '../customer/customer.js';
import type { Loader } from '../loaders/loader.js';
import type { Calls } from './calls.js';
import type { Mappers } from './mapping.js';
import type { Report } from './problems.js';
import { ROOTS, type SourceSdl } from './source-sdl.js';

interface RecordsOptions<C extends Client> {
  /** The calls that load records of types, by type. */
  declared: Readonly<Record<string, string>>;
  sdl: SourceSdl;
  mappers: Mappers;
  calls: Pick<Calls<object, C>, 'objectLoader'>;
  report: Report;
  /** Adds the resolver of a field. */
  add: (type: string, field: string, resolver: Resolver) => void;
}

type Values = Readonly<Record<string, unknown>>;
type Resolver = (parent: Values, args: unknown, context: Context) => unknown;

/**
 * Compiles the fields of types whose objects other sources return too, such as products. They are read from a record, which is
 * loaded by the field that `@foundBy` names.
 */
export function compileRecords<C extends Client>(options: RecordsOptions<C>): void {
  const { declared, sdl, mappers, calls, report, add } = options;
  for (const [type, call] of Object.entries(declared)) {
    const place = ['records', type];
    const node = sdl.objects.get(type);
    const key = node === undefined ? undefined : foundByField(node);
    if (node === undefined || ROOTS.has(type) || key === undefined) {
      report(
        place,
        ROOTS.has(type)
          ? `"${type}" has no records here.`
          : node === undefined
            ? `The SDL has no type "${type}".`
            : `"${type}" has no @foundBy, so its records have no key.`,
        ROOTS.has(type)
          ? 'Declare how it is found: identity for Customer, companies for Company.'
          : `Write type ${type} @foundBy(field: "sku") in the SDL, with the field that is the key.`,
      );
      continue;
    }
    const loader = calls.objectLoader(
      call,
      { type, isList: false },
      place,
      hasNoPersonalData(node) ? null : undefined,
    ) as Loader<Client, string, Values | null> | undefined;
    if (loader === undefined) continue;
    for (const { name } of node.fields ?? [])
      if (name.value !== key && mappers.isValue(type, name.value))
        add(type, name.value, readField(loader, key, name.value));
  }
}

function readField(loader: Loader<Client, string, Values | null>, key: string, field: string): Resolver {
  return (parent, _, { loadField }) => {
    const id = parent[key];
    if (typeof id !== 'string' && typeof id !== 'number') return null;
    return loadField(loader, String(id), (record) => record?.[field] ?? null);
  };
}

/** The field by which objects of a type are found. */
export function foundByField({ directives = [] }: ObjectTypeDefinitionNode): string | undefined {
  return textArgument(directives, 'foundBy', 'field');
}

/** Whether an event about a customer changes nothing in records of the type. */
function hasNoPersonalData({ directives = [], fields = [] }: ObjectTypeDefinitionNode): boolean {
  const category = (node: { directives?: readonly ConstDirectiveNode[] }) =>
    textArgument(node.directives ?? [], 'personalData', 'category');
  return (
    category({ directives }) === 'NONE' &&
    fields.every((field: FieldDefinitionNode) => [undefined, 'NONE'].includes(category(field)))
  );
}

function textArgument(
  directives: readonly ConstDirectiveNode[],
  name: string,
  argument: string,
): string | undefined {
  const value = directives
    .find((directive) => directive.name.value === name)
    ?.arguments?.find((candidate) => candidate.name.value === argument)?.value;
  return value?.kind === Kind.STRING || value?.kind === Kind.ENUM ? value.value : undefined;
}
