import { isSecretName, isSecretTable } from '../tables/table-names.js';
import { baseOf, SECRET, type Column, type ColumnValue, type LeftOut, type Table } from '../tables/table.js';
import type { OdataModel, Property } from './metadata.js';

/**
 * Represents the entity sets of a service as tables. A property inside a complex property is a column, named
 * by its path.
 */

const SCALARS: Readonly<Record<string, Omit<ColumnValue, 'isList'>>> = {
  'Edm.String': { scalar: 'String', keys: 'text' },
  'Edm.Guid': { scalar: 'String', keys: 'uuid' },
  'Edm.Boolean': { scalar: 'Boolean' },
  'Edm.Byte': { scalar: 'Int' },
  'Edm.SByte': { scalar: 'Int' },
  // Shorter keys have no room for an unknown one.
  'Edm.Int16': { scalar: 'Int' },
  'Edm.Int32': { scalar: 'Int', keys: 'integer' },
  'Edm.Int64': { scalar: 'BigInt', keys: 'bigint' },
  'Edm.Decimal': { scalar: 'Decimal' },
  'Edm.Single': { scalar: 'Float' },
  'Edm.Double': { scalar: 'Float' },
  'Edm.Date': { scalar: 'Date' },
  'Edm.DateTimeOffset': { scalar: 'DateTime' },
  // OData 2 writes a time as milliseconds, without a zone.
  'Edm.DateTime': { scalar: 'DateTimeMilliseconds' },
  'Edm.TimeOfDay': { scalar: 'String' },
  'Edm.Time': { scalar: 'String' },
  'Edm.Duration': { scalar: 'String' },
};

export function entityTables({ sets, version }: OdataModel): Table[] {
  return sets
    .filter(({ name, type }) => !isSecretTable(name) && !isSecretTable(type.name))
    .map(({ name, type }): Table => {
      const leftOut: LeftOut[] = [];
      const columns = type.properties.flatMap((property): Column[] => {
        const value = valueOf(property, version);
        const because = isSecretName(property.path.split('.').at(-1) ?? '')
          ? SECRET
          : value === undefined
            ? `values of the type ${property.type} cannot be declared`
            : undefined;
        if (because !== undefined) leftOut.push({ column: property.path, because });
        return because !== undefined || value === undefined ? [] : [columnOf(property, value)];
      });
      return {
        ...{
          name,
          schema: '',
          plainName: name.split(/[./]/).at(-1) ?? name,
          isView: false,
          columns,
          leftOut,
        },
        ...(type.description === undefined ? {} : { description: type.description }),
        primaryKey: type.key,
        indexes: [],
        foreignKeys: type.references.map(({ set, ...reference }) => ({ ...reference, table: set })),
        base: baseOf({ schema: '', table: name }),
      };
    });
}

function columnOf({ path, type, isNullable, description, values }: Property, value: ColumnValue): Column {
  return {
    // Measuring shows how the service compares texts.
    ...{ name: path, type, value, isNullable, ignoresCase: true },
    ...(description === undefined ? {} : { description }),
    ...(values === undefined ? {} : { values }),
  };
}

/** How the values of a property are read. Undefined if they cannot be declared. */
function valueOf(
  { type, isCollection, values }: Property,
  version: OdataModel['version'],
): ColumnValue | undefined {
  const known = SCALARS[type];
  if (known === undefined) return undefined;
  const scalar = version === 2 && type === 'Edm.DateTimeOffset' ? 'DateTimeMilliseconds' : known.scalar;
  const { keys } = known;
  return {
    scalar,
    isList: isCollection,
    ...(keys === undefined || isCollection || values !== undefined ? {} : { keys }),
  };
}
