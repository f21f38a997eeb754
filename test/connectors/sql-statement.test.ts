import { describe, expect, it } from 'vitest';
import { nameIn, tablesIn } from '../../src/connectors/sql/statement.js';

const statement = `
  WITH wanted AS (SELECT x FROM unnest($1)), newest AS MATERIALIZED (SELECT * FROM shop.orders)
  SELECT o.order_no, c.email FROM newest o
  JOIN customers c ON c.cust_no = o.cust_no
  LEFT JOIN customers d ON true JOIN wanted w ON true`;

it('finds the tables of an SQL statement, without its aliases and functions', () => {
  expect(tablesIn(statement)).toEqual(['shop.orders', 'customers']);
  expect(tablesIn('select 1 from Orders')).toEqual(['Orders']);
  expect(tablesIn('SELECT 1')).toEqual([]);
});

describe('the name that a database rejects', () => {
  it.each<[string, string | undefined]>([
    ['relation "customers" does not exist', 'customers'],
    ['permission denied for table customers', 'customers'],
    ["Table 'shop.orders' doesn't exist", 'shop.orders'],
    ["SELECT command denied to user 'me' for table `shop`.`orders`", 'shop.orders'],
    ["Table 'db.customers' doesn't exist", 'customers'],
    ['column c.email does not exist', 'c.email'],
    ["Unknown column 'email' in 'field list'", 'email'],
    ['column "secret" of customer jan@example.nl', undefined],
    ['invalid input syntax: "jan"', undefined],
    ['relation "customer" does not exist', undefined],
  ])('in %j is %j', (message, name) => {
    expect(nameIn(message, statement)).toBe(name);
  });
});
