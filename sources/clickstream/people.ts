/** Whose events are asked for. */
export interface Person {
  /** All that the customer has; in no particular order. */
  customerNumbers: readonly string[];
  /** The device by which the caller asked for the customer, if so. */
  visitorId: string | null;
}

export function personText({ customerNumbers, visitorId }: Person): string {
  return JSON.stringify([customerNumbers.toSorted(), visitorId]);
}

export function aboutPerson({ customerNumbers, visitorId }: Person) {
  return [
    ...customerNumbers.map((value) => ({ namespace: 'customerNumber', value })),
    ...(visitorId === null ? [] : [{ namespace: 'visitorId', value: visitorId }]),
  ];
}

/**
 * `own`: the events of each person of $1 to $4. First the devices on which they logged in are found, then everything that
 * happened on those, whoever did it. A person's are the events with one of the person's numbers, and those with no number
 * on a device where nobody else's number occurs. Events come more than once (Snowplow delivers at least once); the first
 * one counts. Columns that are not named are not read.
 */
export function ownEvents(columns: readonly string[]): string {
  return `
  WITH numbers AS MATERIALIZED (SELECT unnest($1::INTEGER[]) AS person, unnest($2::VARCHAR[]) AS number),
  logins AS MATERIALIZED (
    SELECT DISTINCT user_id, domain_userid FROM events()
    WHERE user_id IN (SELECT number FROM numbers) AND domain_userid <> ''
  ),
  devices AS MATERIALIZED (
    SELECT person, domain_userid FROM logins JOIN numbers ON number = user_id
    UNION
    FROM (SELECT unnest($3::INTEGER[]) AS person, unnest($4::VARCHAR[]) AS domain_userid) WHERE domain_userid <> ''
  ),
  found AS MATERIALIZED (
    SELECT event_id, event_name, nullif(user_id, '') AS user_id, domain_userid,
      nullif(domain_sessionid, '') AS domain_sessionid, ${columns.join(', ')},
      strftime(coalesce(derived_tstamp, collector_tstamp)::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%fZ') AS happened
    FROM events()
    WHERE domain_userid IN (SELECT domain_userid FROM devices)
    QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY collector_tstamp) = 1
  ),
  others AS (
    SELECT DISTINCT devices.person, devices.domain_userid
    FROM devices JOIN found USING (domain_userid)
    LEFT JOIN numbers ON numbers.person = devices.person AND number = user_id
    WHERE user_id IS NOT NULL AND number IS NULL
  ),
  own AS (
    SELECT devices.person, found.*
    FROM devices JOIN found USING (domain_userid)
    LEFT JOIN numbers ON numbers.person = devices.person AND number = user_id
    LEFT JOIN others ON others.person = devices.person AND others.domain_userid = devices.domain_userid
    WHERE number IS NOT NULL OR (user_id IS NULL AND others.person IS NULL)
  )`;
}

/** The first four parameters of a query with `own`: numbers and devices, each beside its person's place in the list. */
export function ownParameters(people: readonly Person[]) {
  const numbers = people.flatMap(({ customerNumbers }, i) =>
    customerNumbers.map((number) => [i, number] as const),
  );
  const devices = people.flatMap(({ visitorId }, i) => (visitorId === null ? [] : [[i, visitorId] as const]));
  return [
    numbers.map(([i]) => i),
    numbers.map(([, number]) => number),
    devices.map(([i]) => i),
    devices.map(([, device]) => device),
  ] as const;
}
