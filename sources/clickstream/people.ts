/** A person whose events are loaded. */
export interface Person {
  /** All of the customer's numbers, in any order. */
  customerNumbers: readonly string[];
  /**
   * The device that the caller used as the identifier. Null if the caller used another kind of identifier.
   */
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
 * SQL that makes the table `own`: the events of each person in the parameters $1 to $4. First it finds the devices on which
 * the person logged in, then all events of these devices. A person's events are those with one of the person's numbers, and
 * those without a number on a device where no other number occurs. Snowplow delivers at least once: of several events with one
 * id, the first counts. Only the named columns are read.
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

/** The first four parameters of a query with `own`: numbers and devices, each with its person's index in the list. */
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
