/**
 * The outbox of the shop's database: triggers write each change as an event. They run at the end of a transaction, when an
 * order has its lines.
 */
export const outbox = `
  create table outbox (
    id          bigint generated always as identity primary key,
    occurred_at timestamptz not null default now(),
    type        text not null,
    subject     text,
    cust_no     text,
    data        jsonb
  );
  comment on table outbox is 'Events that were not delivered yet. NOTIFY outbox reports a new one.';

  create function write_order_event() returns trigger language plpgsql as $$
  begin
    if tg_op = 'UPDATE' and new.status = old.status then return null; end if;
    if tg_op = 'UPDATE' and new.status not in ('PAID', 'SHIPPED', 'CANCELLED') then return null; end if;
    insert into outbox (type, subject, cust_no, data) values (
      case when tg_op = 'INSERT' then 'order.placed' else 'order.' || lower(new.status) end,
      new.order_no,
      new.cust_no,
      jsonb_build_object(
        'status', new.status,
        'currency', new.currency,
        'total', (select coalesce(sum(quantity * unit_price), 0) from order_lines where order_no = new.order_no)
      )
    );
    notify outbox;
    return null;
  end $$;
  create constraint trigger write_order_event after insert or update on orders
    deferrable initially deferred for each row execute function write_order_event();

  create function write_consent_event() returns trigger language plpgsql as $$
  begin
    if new.status = 'ASKED' then return null; end if;
    insert into outbox (type, cust_no, data) values (
      case when new.status = 'GIVEN' then 'consent.given' else 'consent.withdrawn' end,
      new.cust_no,
      jsonb_build_object('purpose', new.purpose, 'channel', new.channel)
    );
    notify outbox;
    return null;
  end $$;
  create constraint trigger write_consent_event after insert or update on customer_consents
    deferrable initially deferred for each row execute function write_consent_event();

  create function write_customer_event() returns trigger language plpgsql as $$
  begin
    insert into outbox (type, subject, cust_no) values ('contact.changed', new.cust_no, new.cust_no);
    notify outbox;
    return null;
  end $$;
  create constraint trigger write_customer_event after update on customers
    deferrable initially deferred for each row execute function write_customer_event();
`;
