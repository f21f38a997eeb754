/** The order database of a shop that has had it for long; the words are the shop's. */
export const tables = `
  create table customers (
    cust_no        text primary key,
    email          text not null,
    email_verified boolean not null,
    phone          text,
    phone_verified boolean not null,
    first_name     text not null,
    last_name      text not null,
    birth_date     date,
    street         text,
    house_no       text,
    postcode       text,
    city           text,
    country        char(2) not null,
    company_name   text,
    kvk_no         text,
    vat_no         text,
    created_at     timestamptz not null,
    updated_at     timestamptz not null
  );
  comment on column customers.email is 'As typed by the customer, capitals included. Households share one: not unique.';
  comment on column customers.postcode is 'As typed by the customer, with or without the blank.';

  comment on column customers.phone_verified is 'The customer answered a text message. Households share a phone.';
  comment on column customers.kvk_no is 'Of business customers. Text, since it may begin with a zero.';

  create table customer_devices (
    cust_no      text not null references customers,
    visitor_id   text not null,
    last_seen_at timestamptz not null,
    primary key (cust_no, visitor_id)
  );
  comment on table customer_devices is 'The devices on which a customer logged in. Several people may use one device.';

  create table customer_consents (
    cust_no    text not null references customers,
    purpose    text not null check (purpose in ('SERVICE', 'PERSONALISATION', 'MARKETING', 'ANALYTICS', 'CUSTOMER_CARE')),
    channel    text check (channel in ('EMAIL', 'SMS', 'PHONE', 'POST')),
    status     text not null check (status in ('GIVEN', 'REFUSED', 'WITHDRAWN', 'ASKED')),
    changed_at timestamptz not null,
    expires_at timestamptz,
    evidence   text,
    unique nulls not distinct (cust_no, purpose, channel)
  );
  comment on table customer_consents is 'What stands now of each purpose and channel. The history is in the log of the website.';
  comment on column customer_consents.channel is 'Empty: for all.';

  create table orders (
    order_no      text primary key,
    cust_no       text not null references customers,
    status        text not null check (status in ('NEW', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED')),
    placed_at     timestamptz not null,
    currency      char(3) not null,
    shop_order_no text unique
  );
  comment on column orders.shop_order_no is 'The name of the webshop''s order that this one was made from, such as #1234.';

  create table order_lines (
    order_no    text not null references orders,
    line_no     integer not null,
    sku         text not null,
    description text not null,
    quantity    integer not null check (quantity > 0),
    unit_price  numeric(12,2) not null,
    primary key (order_no, line_no)
  );
  comment on column order_lines.unit_price is 'VAT included, as it was on the day of the order.';

  create table payments (
    order_no   text not null references orders,
    payment_no integer not null,
    method     text not null check (method in ('IDEAL', 'CREDITCARD', 'KLARNA')),
    amount     numeric(12,2) not null,
    paid_at    timestamptz not null,
    primary key (order_no, payment_no)
  );
`;

/** Made after the rows are in, which is quicker. */
export const indexes = `
  create index customers_email on customers (lower(email));
  create index customers_phone on customers (phone);
  create index customers_kvk_no on customers (kvk_no);
  create index customers_vat_no on customers (vat_no);
  create index customer_devices_visitor_id on customer_devices (visitor_id);
  create index orders_newest_first on orders (cust_no, placed_at desc, order_no desc);
  analyze;
`;
