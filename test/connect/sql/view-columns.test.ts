import { describe, expect, it } from 'vitest';
import {
  checkedValues,
  mysqlEnumValues,
  mysqlValue,
  postgresValue,
} from '../../../src/connect/sql/column-values.js';
import { simpleView } from '../../../src/connect/sql/view-columns.js';

describe('the definition of a view', () => {
  it.each([
    [
      ' SELECT student.id AS number,\n    student.mail\n   FROM student\n  WHERE student.active;',
      { schema: undefined, name: 'student' },
      { number: 'id', mail: 'mail' },
    ],
    [
      ' SELECT "E-Mail" AS "e mail", lower(name) AS name\n   FROM planning."Re""hearsal" r',
      { schema: 'planning', name: 'Re"hearsal' },
      { 'e mail': 'E-Mail' },
    ],
    [
      "select `shop`.`klanten`.`nr` AS `nummer`,concat(`a`,',',`b`) AS `x` from `shop`.`klanten` where `shop`.`klanten`.`actief` <> 0",
      { schema: 'shop', name: 'klanten' },
      { nummer: 'nr' },
    ],
  ])('shows the table and its columns in the view: %s', (definition, table, columns) => {
    const view = simpleView(definition);
    expect(view?.table).toEqual(table);
    expect(Object.fromEntries(view?.columns ?? [])).toEqual(columns);
  });

  it.each([
    'SELECT a.id FROM a JOIN b ON a.id = b.id',
    'SELECT a.id FROM a, b',
    'SELECT id FROM a UNION ALL SELECT id FROM b',
    'SELECT id, count(*) AS n FROM a GROUP BY id',
    'SELECT DISTINCT id FROM a',
    'SELECT id FROM ( SELECT id FROM a) x',
    'SELECT x.id FROM generate_series(1, 3) x(id)',
    'SELECT id FROM a LIMIT 5',
    'SELECT 1 AS id',
    'WITH x AS (SELECT 1 AS id) SELECT id FROM x',
  ])('is not that of one table: %s', (definition) => {
    expect(simpleView(definition)).toBeUndefined();
  });
});

describe('the values that a constraint allows', () => {
  it.each([
    [`CHECK ((level = ANY (ARRAY['beginner'::text, 'it''s'::text])))`, ['beginner', "it's"]],
    [
      `CHECK (((level)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))`,
      ['a', 'b'],
    ],
    [`CHECK (((level = ANY (ARRAY['a'::text])) OR (id > 5)))`, undefined],
    [`CHECK ((level <> ALL (ARRAY['a'::text])))`, undefined],
    [`CHECK ((length(level) > 3))`, undefined],
  ])('%s', (definition, values) => {
    expect(checkedValues(definition)).toEqual(values);
  });

  it('are those of an enum of MySQL', () => {
    expect(mysqlEnumValues(`enum('a','it''s','x,y')`)).toEqual(['a', "it's", 'x,y']);
    expect(mysqlEnumValues('varchar(5)')).toBeUndefined();
  });
});

describe('the types of columns', () => {
  it.each([
    ['character varying(80)', 'String', 'text'],
    ['character(5)', 'String', 'text'],
    ['smallint', 'Int', 'smallint'],
    ['bigint', 'BigInt', 'bigint'],
    ['numeric(10,0)', 'BigInt', 'bigint'],
    ['numeric(10,2)', 'Decimal', undefined],
    ['numeric', 'Decimal', undefined],
    ['double precision', 'Float', undefined],
    ['timestamp(3) without time zone', 'LocalDateTime', undefined],
    ['timestamp with time zone', 'DateTime', undefined],
    ['uuid', 'String', 'uuid'],
    ['text[]', 'String', undefined],
    ['jsonb', undefined, undefined],
    ['money', undefined, undefined],
    ['interval', undefined, undefined],
    ['bytea', undefined, undefined],
    ['planning.status', undefined, undefined],
  ])('of PostgreSQL: %s', (type, scalar, keys) => {
    const value = postgresValue(type);
    expect([value?.scalar, value?.keys, value?.isList ?? false]).toEqual([scalar, keys, type.endsWith('[]')]);
  });

  it.each([
    ['tinyint(1)', 'Boolean', undefined],
    ['tinyint(4)', 'Int', 'smallint'],
    ['int(10) unsigned', 'BigInt', 'bigint'],
    ['int(11)', 'Int', 'integer'],
    ['bigint(20) unsigned zerofill', 'BigInt', 'bigint'],
    ['decimal(10,2)', 'Decimal', undefined],
    ['datetime(6)', 'LocalDateTime', undefined],
    ['timestamp', 'DateTime', undefined],
    ["enum('a','b')", 'String', 'text'],
    ['longblob', undefined, undefined],
    ['json', undefined, undefined],
    ['bit(1)', undefined, undefined],
  ])('of MySQL: %s', (type, scalar, keys) => {
    const value = mysqlValue(type);
    expect([value?.scalar, value?.keys]).toEqual([scalar, keys]);
  });
});
