import * as made from '../made-up.js';
import { object, personal, plain, type RightSystem } from '../right-answers.js';

const { each } = made;
const name = (samples: readonly unknown[]) => personal('IDENTITY', samples, { mask: 'INITIAL' });
const street = (samples: readonly unknown[]) => personal('CONTACT', samples, { mask: 'ALL' });
const postcode = personal('CONTACT', made.postcodes, { mask: 'INITIAL' });
const city = personal('CONTACT', made.cities);
const region = personal('CONTACT', made.regions);
const country = personal('CONTACT', made.countryNames);
const phone = (samples: readonly unknown[]) => personal('CONTACT', samples, { mask: 'LAST_FOUR' });
const customerIds = each(
  (i) =>
    `${made.familyNames[i]?.replace(/\W/g, '').slice(0, 3).toUpperCase() ?? ''}${String.fromCharCode(65 + i)}K`,
);

const orderFields = {
  order: {
    OrderID: plain(made.otherIds),
    CustomerID: personal('IDENTITY', customerIds),
    EmployeeID: plain(made.smallIds),
    OrderDate: plain(made.days, 'Date'),
    RequiredDate: plain(made.days, 'Date'),
    ShippedDate: plain(made.days, 'Date'),
    ShipVia: plain(made.smallIds),
    Freight: plain(made.amounts, 'Decimal'),
    ShipName: name(made.otherNames),
    ShipAddress: street(made.streets),
    ShipCity: city,
    ShipRegion: region,
    ShipPostalCode: postcode,
    ShipCountry: country,
  },
  customer: {
    CustomerID: personal('IDENTITY', customerIds),
    CompanyName: personal('COMPANY', made.companies, { mask: 'INITIAL' }),
    ContactName: name(made.fullNames),
    ContactTitle: personal('TRAIT', made.jobTitles),
    Address: street(made.streets),
    City: city,
    Region: region,
    PostalCode: postcode,
    Country: country,
    Phone: phone(made.mixedPhones),
    Fax: phone(made.mixedPhones),
  },
  employee: {
    EmployeeID: plain(made.smallIds),
    LastName: name(made.familyNames),
    FirstName: name(made.givenNames),
    Title: personal('TRAIT', made.jobTitles),
    TitleOfCourtesy: personal(['IDENTITY', 'TRAIT'], made.honorifics),
    BirthDate: personal('TRAIT', made.birthDates, { mask: 'YEAR', type: 'Date' }),
    HireDate: personal(['TRAIT', 'RELATION'], made.days, { type: 'Date' }),
    HomePhone: phone(made.mixedPhones),
    Extension: personal(
      'CONTACT',
      each((i) => String(5_467 + i)),
    ),
    Notes: personal(['COMMUNICATION', 'TRAIT'], made.notes, { mask: 'ALL' }),
    PhotoPath: personal(
      ['SOCIAL', 'IDENTITY'],
      each((i) => `http://accweb.example/emmployees/${made.familyNames[i]?.toLowerCase() ?? ''}.bmp`),
      { mask: 'ALL' },
    ),
    ReportsTo: personal(['TRAIT', 'IDENTITY', 'RELATION'], made.smallIds),
  },
};

const snake = (path: string): string =>
  path
    .replace(/ID$/, 'Id')
    .replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`)
    .toLowerCase();
const columns = <T>(fields: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(fields).map(([path, field]) => [snake(path), field]));

export const northwindOdata: RightSystem = {
  source: 'northwind',
  kind: 'odata',
  customer: 'NorthwindCustomer',
  finds: { CustomerID: 'unique' },
  identity: { id: 'CustomerID', yields: [['phone', 'Phone', 'shown']], name: ['ContactName'] },
  types: {
    NorthwindCustomer: {
      category: 'RELATION',
      id: 'CustomerID',
      fields: {
        ...orderFields.customer,
        Orders: object('NorthwindOrder', 'TRANSACTION', { isList: true, call: 'orders' }),
      },
    },
    NorthwindOrder: {
      category: 'TRANSACTION',
      id: 'OrderID',
      fields: { ...orderFields.order, Employee: object('NorthwindEmployee', 'IDENTITY') },
    },
    NorthwindEmployee: { category: 'IDENTITY', id: 'EmployeeID', fields: orderFields.employee },
  },
};

export const northwindSql: RightSystem = {
  source: 'northwind-sql',
  kind: 'sql',
  customer: 'NorthwindSqlCustomer',
  finds: { customer_id: 'unique' },
  identity: { id: 'customer_id', yields: [['phone', 'phone', 'shown']], name: ['contact_name'] },
  types: {
    NorthwindSqlCustomer: {
      category: 'RELATION',
      id: 'customer_id',
      fields: {
        ...columns(orderFields.customer),
        orders: object('NorthwindSqlOrder', 'TRANSACTION', { isList: true, call: 'orders' }),
      },
    },
    NorthwindSqlOrder: { category: 'TRANSACTION', id: 'order_id', fields: columns(orderFields.order) },
    NorthwindSqlEmployee: { category: 'IDENTITY', id: 'employee_id', fields: columns(orderFields.employee) },
  },
};

export const chinook: RightSystem = {
  source: 'chinook',
  kind: 'sql',
  customer: 'ChinookCustomer',
  finds: { customer_id: 'unique', email: 'not unique' },
  identity: {
    id: 'customer_id',
    yields: [
      ['email', 'email', 'one'],
      ['phone', 'phone', 'shown'],
    ],
    name: ['first_name', 'last_name'],
  },
  types: {
    ChinookCustomer: {
      category: 'RELATION',
      id: 'customer_id',
      fields: {
        customer_id: personal('IDENTITY', made.ids),
        first_name: name(made.givenNames),
        last_name: name(made.familyNames),
        company: personal('COMPANY', made.companies, { mask: 'INITIAL' }),
        address: street(made.streets),
        city,
        state: region,
        country,
        postal_code: postcode,
        phone: phone(made.worldPhones),
        fax: phone(made.otherWorldPhones),
        email: personal('CONTACT', made.emails, { mask: 'EMAIL' }),
        support_rep_id: plain(made.smallIds),
        invoices: object('ChinookInvoice', 'FINANCIAL', { isList: true, call: 'invoices' }),
      },
    },
    ChinookInvoice: {
      category: 'FINANCIAL',
      id: 'invoice_id',
      fields: {
        invoice_id: plain(made.otherIds),
        customer_id: personal('IDENTITY', made.ids),
        invoice_date: plain(made.localTimes),
        billing_address: street(made.streets),
        billing_city: city,
        billing_state: region,
        billing_country: country,
        billing_postal_code: postcode,
        total: plain(made.amounts, 'Decimal'),
        lines: object('ChinookInvoiceLine', 'FINANCIAL', { isList: true, call: 'lines' }),
      },
    },
    ChinookInvoiceLine: {
      category: 'FINANCIAL',
      id: 'invoice_line_id',
      fields: {
        invoice_line_id: plain(made.otherIds),
        invoice_id: plain(made.otherIds),
        track_id: plain(made.ids),
        unit_price: plain(made.amounts, 'Decimal'),
        quantity: plain(made.counts),
        product_name: plain(made.productNames),
        sku: plain(made.skus),
      },
    },
  },
};
