import * as made from '../made-up.js';
import { object, personal, plain, secret, type RightSystem } from '../right-answers.js';

const { each } = made;
const name = (samples: readonly unknown[]) => personal('IDENTITY', samples, { mask: 'INITIAL' });
const street = (samples: readonly unknown[]) => personal('CONTACT', samples, { mask: 'ALL' });
const postcode = personal('CONTACT', made.postcodes, { mask: 'INITIAL' });
const company = personal('COMPANY', made.companies, { mask: 'INITIAL' });
const city = personal('CONTACT', made.cities);
const country = personal('CONTACT', made.countries);
const region = personal('CONTACT', made.regions);
const email = personal('CONTACT', made.emails, { mask: 'EMAIL' });
const phone = personal('CONTACT', made.mobiles, { mask: 'LAST_FOUR' });
const note = personal(['COMMUNICATION'], made.notes, { mask: 'ALL' });
const ip = personal(['BEHAVIOUR', 'CONTACT'], made.ips, { mask: 'ALL' });

export const magento: RightSystem = {
  source: 'magento',
  kind: 'rest',
  customer: 'MagentoCustomer',
  finds: { id: 'unique', email: 'not unique' },
  identity: {
    id: 'id',
    yields: [
      ['email', 'email', 'one'],
      ['vatNumber', 'taxvat', 'one'],
    ],
    name: ['firstname', 'middlename', 'lastname'],
  },
  types: {
    MagentoCustomer: {
      category: 'RELATION',
      id: 'id',
      fields: {
        id: personal('IDENTITY', made.ids),
        group_id: personal('RELATION', made.smallIds),
        default_billing: plain(each((i) => String(300 + i))),
        default_shipping: plain(each((i) => String(300 + i))),
        confirmation: secret(each((i) => made.hex(i, 32))),
        created_at: plain(made.localTimes),
        updated_at: plain(made.localTimes),
        created_in: plain(each(() => 'Default Store View')),
        dob: personal('TRAIT', made.birthDates, { mask: 'YEAR' }),
        email,
        firstname: name(made.givenNames),
        lastname: name(made.familyNames),
        middlename: name(made.middleNames),
        prefix: personal(['IDENTITY', 'TRAIT'], made.honorifics),
        suffix: personal(
          ['IDENTITY', 'TRAIT'],
          each(() => 'MSc'),
        ),
        gender: personal('TRAIT', made.smallIds),
        store_id: plain(made.smallIds),
        taxvat: personal('COMPANY', made.vatNumbers, { mask: 'LAST_FOUR' }),
        website_id: plain(made.smallIds),
        addresses: object('MagentoAddress', 'CONTACT', { isList: true }),
        orders: object('MagentoOrder', 'TRANSACTION', { isList: true, call: 'orders' }),
      },
    },
    MagentoAddress: {
      category: 'CONTACT',
      id: 'id',
      fields: {
        id: plain(made.otherIds),
        customer_id: personal('IDENTITY', made.ids),
        region_id: plain(made.ids),
        country_id: country,
        street: { ...street(made.streets), isList: true },
        company,
        telephone: phone,
        fax: personal('CONTACT', made.dutchPhones, { mask: 'LAST_FOUR' }),
        postcode,
        city,
        firstname: name(made.givenNames),
        lastname: name(made.familyNames),
        vat_id: personal('COMPANY', made.vatNumbers, { mask: 'LAST_FOUR' }),
        default_billing: plain(made.flags),
      },
    },
    MagentoOrder: {
      category: 'TRANSACTION',
      id: 'entity_id',
      fields: {
        entity_id: plain(made.otherIds),
        increment_id: plain(made.longNumbers),
        status: plain(each((i) => ['complete', 'processing'][i % 2])),
        created_at: plain(made.localTimes),
        grand_total: plain(made.amounts, 'Decimal'),
        total_paid: plain(made.amounts, 'Decimal'),
        order_currency_code: plain(made.currencies),
        total_qty_ordered: plain(made.counts),
        customer_id: personal('IDENTITY', made.ids),
        customer_email: email,
        customer_firstname: name(made.givenNames),
        customer_lastname: name(made.familyNames),
        customer_dob: personal('TRAIT', made.birthDates, { mask: 'YEAR' }),
        customer_gender: personal('TRAIT', made.smallIds),
        customer_note: note,
        customer_is_guest: plain(made.smallIds),
        coupon_code: plain(each(() => 'SPRING10')),
        remote_ip: ip,
        x_forwarded_for: ip,
        store_name: plain(each(() => 'Main Website')),
        protect_code: secret(each((i) => made.hex(i, 32, 3))),
      },
    },
  },
};

const wooAddress = {
  first_name: name(made.givenNames),
  last_name: name(made.familyNames),
  company,
  address_1: street(made.streets),
  address_2: street(made.extraLines),
  city,
  state: region,
  postcode,
  country,
};

export const woocommerce: RightSystem = {
  source: 'woocommerce',
  kind: 'rest',
  customer: 'WoocommerceCustomer',
  finds: { id: 'unique', email: 'not unique' },
  identity: {
    id: 'id',
    yields: [
      ['email', 'email', 'one'],
      ['phone', 'billing.phone', 'shown'],
    ],
    name: ['first_name', 'last_name'],
  },
  types: {
    WoocommerceCustomer: {
      category: 'RELATION',
      id: 'id',
      fields: {
        id: personal('IDENTITY', made.ids),
        date_created: plain(made.localTimes),
        date_created_gmt: plain(made.localTimes),
        date_modified: plain(made.localTimes),
        email,
        first_name: name(made.givenNames),
        last_name: name(made.familyNames),
        role: personal(
          'RELATION',
          each(() => 'customer'),
        ),
        username: personal('IDENTITY', made.usernames, { mask: 'ALL' }),
        billing: object('WoocommerceBilling', 'CONTACT'),
        shipping: object('WoocommerceShipping', 'CONTACT'),
        is_paying_customer: personal(['RELATION', 'TRANSACTION'], made.flags),
        avatar_url: personal(['SOCIAL', 'IDENTITY'], made.avatars, { mask: 'ALL' }),
        orders: object('WoocommerceOrder', 'TRANSACTION', { isList: true, call: 'orders' }),
      },
    },
    WoocommerceBilling: { category: 'CONTACT', fields: { ...wooAddress, email, phone } },
    WoocommerceShipping: { category: 'CONTACT', fields: wooAddress },
    WoocommerceOrder: {
      category: 'TRANSACTION',
      id: 'id',
      fields: {
        id: plain(made.otherIds),
        number: plain(each((i) => String(727 + i))),
        order_key: secret(each((i) => `wc_order_${made.hex(i, 11)}`)),
        status: plain(each((i) => ['completed', 'processing'][i % 2])),
        currency: plain(made.currencies),
        date_created: plain(made.localTimes),
        total: plain(made.amounts, 'Decimal'),
        total_tax: plain(made.amounts, 'Decimal'),
        customer_id: personal('IDENTITY', made.ids),
        customer_ip_address: ip,
        customer_user_agent: personal('BEHAVIOUR', made.userAgents),
        customer_note: note,
        payment_method: plain(each(() => 'ideal')),
        payment_method_title: plain(each(() => 'iDEAL')),
        transaction_id: personal(
          'FINANCIAL',
          each((i) => `tr_${made.hex(i, 10)}`),
          { mask: 'LAST_FOUR' },
        ),
        date_paid: plain(made.localTimes),
        cart_hash: secret(each((i) => made.hex(i, 32, 5))),
      },
    },
  },
};

export const shopify: RightSystem = {
  source: 'shopify-account',
  kind: 'graphql',
  customer: 'ShopifyAccountCustomer',
  finds: { id: 'unique' },
  identity: {
    id: 'id',
    yields: [
      ['email', 'emailAddress.emailAddress', 'one'],
      ['phone', 'phoneNumber.phoneNumber', 'shown'],
    ],
    name: ['firstName', 'lastName'],
  },
  types: {
    ShopifyAccountCustomer: {
      category: 'RELATION',
      id: 'id',
      fields: {
        id: personal(
          'IDENTITY',
          each((i) => `gid://shopify/Customer/${7_210_398_471 + i * 17}`),
        ),
        displayName: name(made.fullNames),
        firstName: name(made.givenNames),
        lastName: name(made.familyNames),
        'emailAddress.emailAddress': email,
        'emailAddress.marketingState': personal(
          'CONSENT',
          each((i) => ['SUBSCRIBED', 'NOT_SUBSCRIBED'][i % 2]),
        ),
        'phoneNumber.phoneNumber': phone,
        'phoneNumber.marketingState': personal(
          'CONSENT',
          each((i) => ['SUBSCRIBED', 'PENDING'][i % 2]),
        ),
        creationDate: plain(made.createdAt, 'DateTime'),
        imageUrl: personal(['SOCIAL', 'IDENTITY'], made.avatars, { mask: 'ALL' }),
        tags: {
          ...personal(
            'RELATION',
            each((i) => ['vip', 'newsletter'][i % 2]),
          ),
          isList: true,
        },
        defaultAddress: object('ShopifyAccountCustomerAddress', 'CONTACT'),
        orders: object('ShopifyAccountOrder', 'TRANSACTION', { isList: true, call: 'orders' }),
      },
    },
    ShopifyAccountCustomerAddress: {
      category: 'CONTACT',
      id: 'id',
      fields: {
        id: plain(each((i) => `gid://shopify/CustomerAddress/${8_112_004_113 + i * 19}`)),
        address1: street(made.streets),
        address2: street(made.extraLines),
        city,
        company,
        country,
        firstName: name(made.givenNames),
        lastName: name(made.familyNames),
        name: name(made.fullNames),
        formatted: {
          ...street(each((i) => `${made.streets[i] ?? ''}, ${made.cities[i] ?? ''}`)),
          isList: true,
        },
        formattedArea: region,
        phoneNumber: phone,
        province: region,
        territoryCode: country,
        zip: postcode,
        zoneCode: region,
      },
    },
    ShopifyAccountOrder: {
      category: 'TRANSACTION',
      id: 'id',
      fields: {
        id: plain(each((i) => `gid://shopify/Order/${5_512_004_113 + i * 23}`)),
        name: plain(made.orderNumbers),
        number: plain(made.otherIds),
        confirmationNumber: plain(each((i) => made.hex(i, 9).toUpperCase())),
        createdAt: plain(made.createdAt, 'DateTime'),
        processedAt: plain(made.createdAt, 'DateTime'),
        cancelReason: plain(each(() => 'CUSTOMER')),
        financialStatus: plain(each((i) => ['PAID', 'REFUNDED'][i % 2])),
        fulfillmentStatus: plain(each(() => 'FULFILLED')),
        totalPrice: plain(made.amounts, 'Money'),
        totalRefunded: plain(made.amounts, 'Money'),
        currencyCode: plain(made.currencies),
        email,
        phone,
        customerLocale: personal(
          'TRAIT',
          each(() => 'nl-NL'),
        ),
        locationName: plain(each(() => 'Warehouse')),
        note,
        statusPageUrl: secret(
          each(
            (i) => `https://shop.example/orders/${made.hex(i, 32)}/authenticate?key=${made.hex(i, 32, 3)}`,
          ),
        ),
        checkoutToken: secret(each((i) => made.hex(i, 32, 7))),
        shippingAddress: object('ShopifyAccountCustomerAddress', 'CONTACT'),
      },
    },
  },
};
