import * as made from '../made-up.js';
import { object, personal, plain, type RightSystem } from '../right-answers.js';

const { each } = made;
const name = (samples: readonly unknown[]) => personal('IDENTITY', samples, { mask: 'INITIAL' });
const street = (samples: readonly unknown[]) => personal('CONTACT', samples, { mask: 'ALL' });
const postcode = personal('CONTACT', made.postcodes, { mask: 'INITIAL' });
const city = personal('CONTACT', made.cities);
const country = personal('CONTACT', made.countries);
const email = personal('CONTACT', made.emails, { mask: 'EMAIL' });
const phone = personal('CONTACT', made.mobiles, { mask: 'LAST_FOUR' });

export const xero: RightSystem = {
  source: 'xero',
  kind: 'rest',
  customer: 'XeroContact',
  finds: { ContactID: 'unique', EmailAddress: 'not unique' },
  identity: {
    id: 'ContactID',
    yields: [
      ['email', 'EmailAddress', 'one'],
      ['vatNumber', 'TaxNumber', 'one'],
      ['own', 'ContactNumber', 'shown'],
      ['own', 'AccountNumber', 'shown'],
    ],
    name: ['Name'],
  },
  types: {
    XeroContact: {
      category: 'RELATION',
      id: 'ContactID',
      fields: {
        ContactID: personal('IDENTITY', made.uuids, { mask: 'LAST_FOUR' }),
        ContactNumber: personal(
          'IDENTITY',
          each((i) => `CRM-${70_113 + i * 7}`),
          { mask: 'LAST_FOUR' },
        ),
        AccountNumber: personal(['IDENTITY', 'FINANCIAL'], made.accountNumbers, { mask: 'LAST_FOUR' }),
        ContactStatus: personal(
          'RELATION',
          each(() => 'ACTIVE'),
        ),
        Name: name(made.fullNames),
        // A contact may be a company, which has no first name.
        FirstName: name(made.givenNames.slice(0, 8)),
        LastName: name(made.familyNames.slice(0, 8)),
        EmailAddress: email,
        SkypeUserName: personal(['SOCIAL', 'IDENTITY', 'CONTACT'], made.usernames, { mask: 'ALL' }),
        BankAccountDetails: personal('FINANCIAL', made.ibans, { mask: 'LAST_FOUR' }),
        TaxNumber: personal('COMPANY', made.vatNumbers, { mask: 'LAST_FOUR' }),
        AccountsReceivableTaxType: plain(each(() => 'OUTPUT2')),
        Addresses: object('XeroAddress', 'CONTACT', { isList: true }),
        Phones: object('XeroPhone', 'CONTACT', { isList: true }),
        ContactPersons: object('XeroContactPerson', 'CONTACT', { isList: true }),
        IsSupplier: plain(made.flags),
        IsCustomer: plain(made.flags),
        DefaultCurrency: plain(made.currencies),
        SalesDefaultAccountCode: plain(each(() => '200')),
        UpdatedDateUTC: plain(made.createdAt, 'DateTime'),
        Website: personal(
          ['COMPANY', 'CONTACT'],
          each((i) => `https://bedrijf${i}.example`),
        ),
        Discount: personal(['RELATION', 'FINANCIAL', 'TRANSACTION'], made.counts),
        HasAttachments: plain(made.flags),
        invoices: object('XeroInvoice', 'FINANCIAL', { isList: true, call: 'invoices' }),
      },
    },
    XeroAddress: {
      category: 'CONTACT',
      fields: {
        AddressType: plain(each((i) => ['POBOX', 'STREET'][i % 2])),
        AddressLine1: street(made.streets),
        AddressLine2: street(made.extraLines),
        City: city,
        Region: personal('CONTACT', made.regions),
        PostalCode: postcode,
        Country: country,
        AttentionTo: name(made.otherNames),
      },
    },
    XeroPhone: {
      category: 'CONTACT',
      fields: {
        PhoneType: plain(each((i) => ['DEFAULT', 'MOBILE', 'FAX'][i % 3])),
        PhoneNumber: personal(
          'CONTACT',
          each((i) => String(2_345_671 + i)),
          { mask: 'LAST_FOUR' },
        ),
        PhoneAreaCode: personal(
          'CONTACT',
          each(() => '030'),
        ),
        PhoneCountryCode: personal(
          'CONTACT',
          each(() => '31'),
        ),
      },
    },
    XeroContactPerson: {
      category: 'CONTACT',
      fields: {
        FirstName: name(made.givenNames),
        LastName: name(made.familyNames),
        EmailAddress: personal('CONTACT', made.otherEmails, { mask: 'EMAIL' }),
        IncludeInEmails: personal(['CONSENT', 'RELATION', 'CONTACT'], made.flags),
      },
    },
    XeroInvoice: {
      category: 'FINANCIAL',
      id: 'InvoiceID',
      fields: {
        InvoiceID: plain(made.otherUuids),
        InvoiceNumber: plain(each((i) => `INV-0${310 + i}`)),
        Type: plain(each(() => 'ACCREC')),
        Reference: personal(
          ['FINANCIAL'],
          each((i) => `PO ${8_120 + i}`),
        ),
        Date: plain(made.days, 'Date'),
        DueDate: plain(made.days, 'Date'),
        Status: plain(each((i) => ['AUTHORISED', 'PAID'][i % 2])),
        SubTotal: plain(made.amounts, 'Decimal'),
        TotalTax: plain(made.amounts, 'Decimal'),
        Total: plain(made.amounts, 'Decimal'),
        AmountDue: plain(made.amounts, 'Decimal'),
        AmountPaid: plain(made.amounts, 'Decimal'),
        CurrencyCode: plain(made.currencies),
        FullyPaidOnDate: plain(made.days, 'Date'),
        SentToContact: plain(made.flags),
        BrandingThemeID: plain(each(() => made.otherUuids[0])),
      },
    },
  },
};

export const stripe: RightSystem = {
  source: 'stripe',
  kind: 'rest',
  customer: 'StripeCustomer',
  finds: { id: 'unique', email: 'not unique' },
  identity: {
    id: 'id',
    yields: [
      ['email', 'email', 'one'],
      ['phone', 'phone', 'shown'],
    ],
    name: ['name'],
  },
  types: {
    StripeCustomer: {
      category: 'RELATION',
      id: 'id',
      fields: {
        id: personal(
          'IDENTITY',
          each((i) => `cus_Q${made.hex(i, 13)}`),
          { mask: 'LAST_FOUR' },
        ),
        object: plain(each(() => 'customer')),
        balance: personal('FINANCIAL', made.cents),
        created: plain(made.seconds),
        currency: plain(made.currencies),
        delinquent: personal('FINANCIAL', made.flags),
        description: personal(['COMMUNICATION', 'RELATION'], made.notes, { mask: 'ALL' }),
        email,
        invoice_prefix: plain(each((i) => made.hex(i, 7).toUpperCase())),
        livemode: plain(made.flags),
        name: name(made.fullNames),
        next_invoice_sequence: plain(made.counts),
        phone,
        preferred_locales: {
          ...personal(
            'TRAIT',
            each((i) => ['nl', 'en'][i % 2]),
          ),
          isList: true,
        },
        tax_exempt: personal(
          ['FINANCIAL', 'COMPANY', 'RELATION'],
          each(() => 'none'),
        ),
        default_source: personal(
          'FINANCIAL',
          each((i) => `card_1${made.hex(i, 23)}`),
          { mask: 'LAST_FOUR' },
        ),
        address: object('StripeAddress', 'CONTACT'),
        invoices: object('StripeInvoice', 'FINANCIAL', { isList: true, call: 'invoices' }),
      },
    },
    StripeAddress: {
      category: 'CONTACT',
      fields: {
        line1: street(made.streets),
        line2: street(made.extraLines),
        city,
        state: personal('CONTACT', made.regions),
        postal_code: postcode,
        country,
      },
    },
    StripeInvoice: {
      category: 'FINANCIAL',
      id: 'id',
      fields: {
        id: plain(each((i) => `in_1${made.hex(i, 23, 3)}`)),
        number: plain(each((i) => `7FE1103-00${10 + i}`)),
        status: plain(each((i) => ['open', 'paid'][i % 2])),
        currency: plain(made.currencies),
        amount_due: plain(made.cents),
        amount_paid: plain(made.cents),
        amount_remaining: plain(made.cents),
        attempted: plain(made.flags),
        billing_reason: plain(each(() => 'manual')),
        collection_method: plain(each(() => 'charge_automatically')),
        created: plain(made.seconds),
        due_date: plain(made.seconds),
        customer: personal(
          'IDENTITY',
          each((i) => `cus_Q${made.hex(i, 13)}`),
          { mask: 'LAST_FOUR' },
        ),
        customer_email: email,
        customer_name: name(made.fullNames),
        customer_phone: phone,
        customer_address: object('StripeAddress', 'CONTACT'),
        account_country: plain(each(() => 'NL')),
        account_name: plain(each(() => 'Our shop')),
        hosted_invoice_url: personal(
          'FINANCIAL',
          each((i) => `https://invoice.example/i/acct_1/live_${made.hex(i, 40)}`),
          { mask: 'ALL' },
        ),
        total: plain(made.cents),
        paid: plain(made.flags),
      },
    },
  },
};
