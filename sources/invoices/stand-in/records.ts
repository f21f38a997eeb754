import type { SeedInvoice } from '../../stand-ins/seed-invoices.js';
import type { Person, World } from '../../stand-ins/world.js';

/** The type of a field in Business Central. It compares values by this type. */
export type FieldType = 'code' | 'text' | 'date' | 'enum';

/** Of a decimal, its text: whether it is sent so or as a number is the caller's wish. */
export type Row = Readonly<Record<string, string>>;

export interface EntitySet {
  name: string;
  rows: readonly Row[];
  /** Others are reckoned when a record is read, and can be neither filtered nor ordered by. */
  filterable: Readonly<Record<string, FieldType>>;
  /** Returned as a number, or as text if the caller requests exact digits. */
  decimals: ReadonlySet<string>;
  booleans: ReadonlySet<string>;
}

const noId = '00000000-0000-0000-0000-000000000000';

export function createSets(world: World): EntitySet[] {
  const known = world.people.flatMap((person) => person.invoices ?? []);
  if (new Set(known.map(({ customerNumber }) => customerNumber)).size < known.length)
    throw new Error('two customers have one number');
  return [
    {
      name: 'customers',
      rows: world.people.flatMap((person): Row[] =>
        person.invoices === undefined ? [] : [customerRow(person, person.invoices)],
      ),
      filterable: {
        number: 'code',
        displayName: 'text',
        email: 'text',
        phoneNumber: 'text',
        taxRegistrationNumber: 'text',
        city: 'text',
        postalCode: 'code',
        country: 'code',
      },
      decimals: new Set(),
      booleans: new Set(['taxLiable']),
    },
    {
      name: 'salesInvoices',
      rows: world.people.flatMap((person) =>
        (person.invoices?.invoices ?? []).map((invoice) => invoiceRow(person, invoice)),
      ),
      filterable: {
        number: 'code',
        externalDocumentNumber: 'code',
        invoiceDate: 'date',
        postingDate: 'date',
        dueDate: 'date',
        customerNumber: 'code',
        billToCustomerNumber: 'code',
        orderNumber: 'code',
        status: 'enum',
      },
      decimals: new Set([
        'remainingAmount',
        'discountAmount',
        'totalAmountExcludingTax',
        'totalTaxAmount',
        'totalAmountIncludingTax',
      ]),
      booleans: new Set(['pricesIncludeTax', 'discountAppliedBeforeTax']),
    },
  ];
}

function nameOf({ firstName, lastName, invoices }: Person): string {
  return invoices?.companyName ?? `${firstName} ${lastName}`;
}

function streetOf({ address }: Person): string {
  return `${address.street} ${address.houseNumber}`;
}

/** As documented for API v2.0: the address is on the card itself, and an empty text means no value. */
function customerRow(person: Person, part: NonNullable<Person['invoices']>): Row {
  return {
    id: part.id,
    number: part.customerNumber,
    displayName: nameOf(person),
    type: part.companyName === undefined ? 'Person' : 'Company',
    addressLine1: streetOf(person),
    addressLine2: '',
    city: person.address.city,
    state: '',
    country: person.address.country,
    postalCode: person.address.postcode,
    phoneNumber: person.phone,
    email: person.email,
    website: '',
    taxLiable: 'false',
    taxAreaId: noId,
    taxAreaDisplayName: '',
    taxRegistrationNumber: part.vatNumber ?? '',
    currencyId: noId,
    currencyCode: 'EUR',
    paymentTermsId: noId,
    shipmentMethodId: noId,
    paymentMethodId: noId,
    blocked: '_x0020_',
    lastModifiedDateTime: part.updatedAt,
  };
}

function invoiceRow(person: Person, invoice: SeedInvoice): Row {
  const customer = { id: person.invoices?.id ?? noId, number: person.invoices?.customerNumber ?? '' };
  const net = invoice.totalCents - invoice.taxCents;
  return {
    id: invoice.id,
    number: invoice.number,
    externalDocumentNumber: invoice.shopOrderNumber,
    invoiceDate: invoice.invoiceDate,
    postingDate: invoice.invoiceDate,
    dueDate: invoice.dueDate,
    customerPurchaseOrderReference: '',
    customerId: customer.id,
    customerNumber: customer.number,
    customerName: nameOf(person),
    billToName: nameOf(person),
    billToCustomerId: customer.id,
    billToCustomerNumber: customer.number,
    shipToName: nameOf(person),
    shipToContact: '',
    sellToAddressLine1: streetOf(person),
    sellToCity: person.address.city,
    sellToCountry: person.address.country,
    sellToPostCode: person.address.postcode,
    currencyId: noId,
    currencyCode: invoice.currency,
    orderId: noId,
    orderNumber: invoice.orderNumber,
    paymentTermsId: noId,
    shipmentMethodId: noId,
    salesperson: '',
    pricesIncludeTax: 'true',
    remainingAmount: decimal(invoice.remainingCents),
    discountAmount: '0',
    discountAppliedBeforeTax: 'true',
    totalAmountExcludingTax: decimal(net),
    totalTaxAmount: decimal(invoice.taxCents),
    totalAmountIncludingTax: decimal(invoice.totalCents),
    // Names with a blank are written as XML would have them.
    status: invoice.status.replace(' ', '_x0020_'),
    lastModifiedDateTime: `${invoice.invoiceDate}T12:00:00.0Z`,
    phoneNumber: person.phone,
    email: person.email,
  };
}

/** Without zeros at its end, as the real one writes them. */
function decimal(cents: number): string {
  return String(cents / 100);
}
