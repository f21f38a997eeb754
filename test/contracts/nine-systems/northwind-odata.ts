import { readFileSync } from 'node:fs';
import type { SmallServer } from '../../../src/testing/small-server.js';
import { startOdataService, type ServiceRow } from '../../connect/odata/odata-service.js';
import { contractFile } from '../openapi.js';

/** The OData service of Northwind: its `$metadata`, over the rows of the database of the same name. */

/** The entity type and the table of each set. The columns of the table have the order of the properties. */
const SETS = {
  Customers: ['Customer', 'customers'],
  Orders: ['Order', 'orders'],
  Order_Details: ['Order_Detail', 'order_details'],
  Products: ['Product', 'products'],
  Shippers: ['Shipper', 'shippers'],
} as const;

export function startNorthwindOdata(): Promise<SmallServer> {
  const metadata = readFileSync(contractFile('odata', 'Northwind.csdl.xml'), 'utf8');
  const database = readFileSync(contractFile('sql', 'northwind-postgres', 'northwind.sql'), 'utf8');
  return startOdataService(
    {
      metadata,
      sets: Object.fromEntries(
        Object.entries(SETS).map(([set, [type, table]]) => [
          set,
          rowsOf(database, table, propertiesOf(metadata, type)),
        ]),
      ),
    },
    // The published service has pages of 20 records, and does not know OData 4.01.
    { understandsIn: false, pageSize: 20, maxComparisons: 50, ignoresCase: true },
  );
}

interface Property {
  name: string;
  type: string;
}

function propertiesOf(metadata: string, type: string): Property[] {
  const [, body = ''] = new RegExp(`<EntityType Name="${type}">([^]*?)</EntityType>`).exec(metadata) ?? [];
  return [...body.matchAll(/<Property Name="(\w+)" Type="([\w.]+)"/g)].map(([, name = '', of = '']) => ({
    name,
    type: of,
  }));
}

function rowsOf(database: string, table: string, properties: readonly Property[]): ServiceRow[] {
  return [...database.matchAll(new RegExp(`^INSERT INTO ${table} VALUES \\((.*)\\);$`, 'gm'))].map(
    ([, text = '']) => {
      const values = [...text.matchAll(/'((?:[^']|'')*)'|NULL|[-\d.e]+/g)];
      return Object.fromEntries(
        properties.map(({ name, type }, i) => [name, valueOf(type, values[i]?.[0] ?? 'NULL')]),
      );
    },
  );
}

function valueOf(type: string, literal: string): unknown {
  if (literal === 'NULL') return null;
  const text = literal.replace(/^'|'$/g, '').replaceAll("''", "'");
  switch (type) {
    case 'Edm.DateTimeOffset':
      return `${text}T00:00:00Z`;
    // A decimal is text, because the connector requests it so.
    case 'Edm.Decimal':
      return Number(text).toFixed(4);
    case 'Edm.Boolean':
      return text !== '0';
    case 'Edm.String':
      return text;
    default:
      return Number(text);
  }
}
