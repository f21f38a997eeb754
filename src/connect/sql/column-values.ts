import type { ColumnValue } from '../tables/table.js';

/** How the connector returns the values of each type of PostgreSQL. Undefined if it cannot be declared. */
export function postgresValue(type: string): ColumnValue | undefined {
  const [, element = type, list] = /^(.*?)(\[\])?$/.exec(type) ?? [];
  const value = postgresScalar(element.replace(/\([\d, ]+\)/, '').replaceAll('"', ''), element);
  if (value === undefined || list === undefined) return value;
  return { scalar: value.scalar, isList: true };
}

function postgresScalar(name: string, type: string): ColumnValue | undefined {
  const isList = false;
  switch (name) {
    case 'smallint':
      return { scalar: 'Int', isList, keys: 'smallint' };
    case 'integer':
      return { scalar: 'Int', isList, keys: 'integer' };
    case 'bigint':
      return { scalar: 'BigInt', isList, keys: 'bigint' };
    case 'numeric':
      // Older systems use numbers without decimals as keys.
      return /^numeric\((\d|1[0-8])(, ?0)?\)$/.test(type)
        ? { scalar: 'BigInt', isList, keys: 'bigint' }
        : { scalar: 'Decimal', isList };
    case 'real':
    case 'double precision':
      return { scalar: 'Float', isList };
    case 'boolean':
      return { scalar: 'Boolean', isList };
    case 'uuid':
      return { scalar: 'String', isList, keys: 'uuid' };
    case 'date':
      return { scalar: 'Date', isList };
    case 'timestamp with time zone':
      return { scalar: 'DateTime', isList };
    case 'timestamp without time zone':
      return { scalar: 'LocalDateTime', isList };
    case 'text':
    case 'character varying':
    case 'character':
    case 'citext':
    case 'name':
      return { scalar: 'String', isList, keys: 'text' };
    case 'time without time zone':
    case 'time with time zone':
    case 'inet':
    case 'cidr':
    case 'macaddr':
    case 'xml':
    case 'char':
      return { scalar: 'String', isList };
    default:
      return undefined;
  }
}

/** How the connector returns the values of each type of MySQL and MariaDB. */
export function mysqlValue(type: string): ColumnValue | undefined {
  const isList = false;
  const plain = type.toLowerCase();
  const isUnsigned = plain.includes('unsigned');
  switch (/^\w+/.exec(plain)?.[0]) {
    case 'tinyint':
      return plain.startsWith('tinyint(1)') && !isUnsigned
        ? { scalar: 'Boolean', isList }
        : { scalar: 'Int', isList, keys: 'smallint' };
    case 'smallint':
      return { scalar: 'Int', isList, keys: isUnsigned ? 'integer' : 'smallint' };
    case 'mediumint':
      return { scalar: 'Int', isList, keys: 'integer' };
    case 'int':
    case 'integer':
      return isUnsigned
        ? { scalar: 'BigInt', isList, keys: 'bigint' }
        : { scalar: 'Int', isList, keys: 'integer' };
    case 'bigint':
      return { scalar: 'BigInt', isList, keys: 'bigint' };
    case 'year':
      return { scalar: 'Int', isList };
    case 'decimal':
    case 'numeric':
      return { scalar: 'Decimal', isList };
    case 'float':
    case 'double':
      return { scalar: 'Float', isList };
    case 'date':
      return { scalar: 'Date', isList };
    case 'datetime':
      return { scalar: 'LocalDateTime', isList };
    case 'timestamp':
      return { scalar: 'DateTime', isList };
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
    case 'enum':
      return { scalar: 'String', isList, keys: 'text' };
    case 'set':
    case 'time':
    case 'uuid':
      return { scalar: 'String', isList };
    default:
      return undefined;
  }
}

/** The values of `enum('a','it''s')`. */
export function mysqlEnumValues(type: string): string[] | undefined {
  if (!/^enum\(/i.test(type)) return undefined;
  return literalsIn(type);
}

/** The texts in quotation marks. */
export function literalsIn(text: string): string[] {
  return Array.from(text.matchAll(/'((?:[^']|'')*)'/g), ([, literal = '']) => literal.replaceAll("''", "'"));
}

/**
 * The values that a check constraint allows, such as `CHECK ((status = ANY (ARRAY['a'::text, 'b'::text])))`.
 */
export function checkedValues(definition: string): string[] | undefined {
  const skeleton = definition.replace(/'(?:[^']|'')*'/g, "''");
  const isListOfTexts =
    /^CHECK \(+"?[^"()=]+"?\)?(::text)?\)? = ANY \(\(?ARRAY\[''(::[a-z ]+)?(\(\d+\))?(, ?''(::[a-z ]+)?(\(\d+\))?)*\]\)?(::text\[\])?\)+$/.test(
      skeleton,
    );
  return isListOfTexts ? literalsIn(definition) : undefined;
}
