import type { Database, Statement } from './store-database.js';

/**
 * The tables, in SQL that SQLite and PostgreSQL share. Times are milliseconds since 1970. Values that may be personal are
 * sealed (`sealed`) or digests (`event_key`, `lane`, `order_key`, `cancel_key`, `claim_key`).
 */
export function tables({ dialect }: Database): Statement[] {
  return [
    // Only one of several starting instances creates the tables.
    ...(dialect.forUpdate === '' ? [] : [{ sql: 'SELECT pg_advisory_xact_lock(7405117)' }]),
    {
      sql: `CREATE TABLE IF NOT EXISTS webhook_events (
        seq ${dialect.serial},
        event_key TEXT NOT NULL UNIQUE,
        lane TEXT NOT NULL,
        sealed TEXT,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        received_at BIGINT NOT NULL,
        next_at BIGINT NOT NULL,
        leased_until BIGINT NOT NULL,
        holder TEXT NOT NULL,
        finished_at BIGINT
      )`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_events_due ON webhook_events (next_at, seq) WHERE state = 'waiting'`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_events_lane ON webhook_events (lane, seq) WHERE state = 'waiting'`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_events_used ON webhook_events (finished_at) WHERE sealed IS NOT NULL`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_events_old ON webhook_events (received_at)`,
    },
    {
      // next_at is null while an earlier delivery of the same customer waits, so that the index of due rows skips such rows.
      sql: `CREATE TABLE IF NOT EXISTS webhook_deliveries (
        seq ${dialect.serial},
        id TEXT NOT NULL UNIQUE,
        event_seq BIGINT NOT NULL,
        trigger_name TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        order_key TEXT NOT NULL,
        cancel_key TEXT,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        created_at BIGINT NOT NULL,
        due_at BIGINT NOT NULL,
        ready_at BIGINT NOT NULL,
        next_at BIGINT,
        leased_until BIGINT NOT NULL,
        holder TEXT NOT NULL,
        finished_at BIGINT
      )`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_deliveries_due ON webhook_deliveries (endpoint, next_at, seq) WHERE state = 'waiting'`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_deliveries_lane ON webhook_deliveries (endpoint, order_key, due_at, seq) WHERE state = 'waiting'`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_deliveries_holder ON webhook_deliveries (holder) WHERE state = 'waiting'`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_deliveries_cancel ON webhook_deliveries (cancel_key) WHERE cancel_key IS NOT NULL`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_deliveries_cancelled ON webhook_deliveries (endpoint, order_key, leased_until) WHERE state = 'cancelled'`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_deliveries_event ON webhook_deliveries (event_seq)`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_deliveries_state ON webhook_deliveries (state, finished_at)`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS webhook_deliveries_dead ON webhook_deliveries (endpoint) WHERE state = 'dead'`,
    },
    {
      sql: `CREATE TABLE IF NOT EXISTS webhook_claims (
        claim_key TEXT PRIMARY KEY, holder TEXT NOT NULL, until_at BIGINT NOT NULL
      )`,
    },
    { sql: `CREATE INDEX IF NOT EXISTS webhook_claims_holder ON webhook_claims (holder)` },
    {
      sql: `CREATE TABLE IF NOT EXISTS webhook_disabled_endpoints (
        endpoint TEXT PRIMARY KEY, disabled_at BIGINT NOT NULL, reason TEXT NOT NULL
      )`,
    },
  ];
}

/** An earlier waiting event of the same customer. */
const EARLIER_EVENT = `SELECT 1 FROM webhook_events f WHERE f.lane = e.lane AND f.state = 'waiting' AND f.seq < e.seq`;
/** An earlier waiting delivery of the same customer to the same endpoint. */
const EARLIER_DELIVERY = `SELECT 1 FROM webhook_deliveries w WHERE w.endpoint = d.endpoint AND w.order_key = d.order_key
  AND w.state = 'waiting' AND (w.due_at, w.seq) < (d.due_at, d.seq)`;
/** A cancelled delivery whose attempt may still be in flight. Parameter: now. */
const CANCELLED_IN_FLIGHT = `SELECT 1 FROM webhook_deliveries c WHERE c.endpoint = d.endpoint AND c.order_key = d.order_key
  AND c.state = 'cancelled' AND c.leased_until > $2`;

const EVENT_COLUMNS =
  'event_key, lane, sealed, state, reason, attempts, received_at, next_at, leased_until, holder';

/** Parameters of each event: event_key, lane, sealed, received_at. */
export function insertEvents(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => {
    const [key, lane, sealed, at] = [1, 2, 3, 4].map((n) => `$${index * 4 + n}`);
    return `(${key}, ${lane}, ${sealed}, 'waiting', '', 0, ${at}, ${at}, 0, '')`;
  });
  return `INSERT INTO webhook_events (${EVENT_COLUMNS}) VALUES ${rows.join(', ')}
    ON CONFLICT (event_key) DO NOTHING RETURNING event_key`;
}

/** now, leased until, holder, limit. */
export const leaseEvents = ({ dialect }: Database): string => `
  UPDATE webhook_events SET leased_until = $2, holder = $3 WHERE seq IN (
    SELECT e.seq FROM webhook_events e
    WHERE e.state = 'waiting' AND e.next_at <= $1 AND e.leased_until <= $1 AND NOT EXISTS (${EARLIER_EVENT})
    ORDER BY e.next_at, e.seq LIMIT $4 ${dialect.skipLocked})
  RETURNING seq, event_key, sealed, attempts`;

/** seq, holder, now. */
export const eventProcessed = `
  UPDATE webhook_events SET state = 'processed', finished_at = $3
  WHERE seq = $1 AND state = 'waiting' AND holder = $2`;

/** Whether the event was processed under this lease. Parameters: seq, holder. */
const UNDER_LEASE = (seq: string, holder: string): string =>
  `EXISTS (SELECT 1 FROM webhook_events WHERE seq = ${seq} AND state = 'processed' AND holder = ${holder})`;

/** seq, holder, reason, next at. */
export const eventPostponed = `
  UPDATE webhook_events SET reason = $3, next_at = $4, attempts = attempts + 1, leased_until = 0
  WHERE seq = $1 AND state = 'waiting' AND holder = $2`;

/** seq, holder, reason, now. */
export const eventGivenUp = `
  UPDATE webhook_events SET state = 'dead', reason = $3, attempts = attempts + 1, finished_at = $4
  WHERE seq = $1 AND state = 'waiting' AND holder = $2`;

/**
 * Parameters: endpoint, order key. Planning a delivery locks the next delivery of the lane, because finishing that one promotes
 * its successor. Without the lock the two transactions would not see each other.
 */
export const lockLane = ({ dialect }: Database): string => `
  SELECT seq FROM webhook_deliveries WHERE endpoint = $1 AND order_key = $2 AND state = 'waiting'
  ORDER BY due_at, seq LIMIT 1 ${dialect.forUpdate}`;

/** claim key, delivery, until, now, seq of the event, holder of its lease. */
export const claimForPlanned = `
  INSERT INTO webhook_claims (claim_key, holder, until_at) SELECT $1, $2, $3 WHERE ${UNDER_LEASE('$5', '$6')}
  ON CONFLICT (claim_key) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at
  WHERE webhook_claims.until_at <= $4`;

const IS_DISABLED = `EXISTS (SELECT 1 FROM webhook_disabled_endpoints x WHERE x.endpoint = $4)`;

/** id, seq of the event, trigger, endpoint, order key, cancel key, due at, now, holder of the lease, claim key. */
export const planDelivery = `
  INSERT INTO webhook_deliveries (id, event_seq, trigger_name, endpoint, order_key, cancel_key, due_at, ready_at,
    created_at, state, reason, attempts, leased_until, holder, finished_at, next_at)
  SELECT $1, $2, $3, $4, $5, $6, $7, $7, $8,
    CASE WHEN ${IS_DISABLED} THEN 'dead' ELSE 'waiting' END,
    CASE WHEN ${IS_DISABLED} THEN 'endpoint is disabled' ELSE '' END, 0, 0, '',
    CASE WHEN ${IS_DISABLED} THEN CAST($8 AS BIGINT) END,
    CASE WHEN ${IS_DISABLED} OR EXISTS (SELECT 1 FROM webhook_deliveries w WHERE w.endpoint = $4 AND w.order_key = $5
      AND w.state = 'waiting' AND w.due_at <= $7) THEN NULL ELSE CAST($7 AS BIGINT) END
  WHERE ${UNDER_LEASE('$2', '$9')} AND (CAST($10 AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM webhook_claims c WHERE c.claim_key = $10 AND c.holder = $1 AND c.until_at > $8))
  ON CONFLICT (id) DO NOTHING RETURNING id`;

/** cancel key, now, seq of the event, holder of its lease. */
export const cancelUnderLease = `
  UPDATE webhook_deliveries SET state = 'cancelled', next_at = NULL, finished_at = $2
  WHERE cancel_key = $1 AND state = 'waiting' AND ${UNDER_LEASE('$3', '$4')}`;
/** cancel key. */
export const releaseCancelled = `DELETE FROM webhook_claims WHERE holder IN (
  SELECT id FROM webhook_deliveries WHERE cancel_key = $1 AND state = 'cancelled')`;
/** cancel key. */
export const promoteBehindCancelled = `
  UPDATE webhook_deliveries SET next_at = ready_at WHERE id IN (
    SELECT d.id FROM webhook_deliveries d
    WHERE d.next_at IS NULL AND d.state = 'waiting' AND (d.endpoint, d.order_key) IN (
      SELECT c.endpoint, c.order_key FROM webhook_deliveries c WHERE c.cancel_key = $1 AND c.state = 'cancelled')
    AND NOT EXISTS (${EARLIER_DELIVERY}))`;

/** endpoint, now, leased until, holder, limit. */
export const leaseDeliveries = ({ dialect }: Database): string => `
  UPDATE webhook_deliveries SET leased_until = $3, holder = $4 WHERE seq IN (
    SELECT d.seq FROM webhook_deliveries d
    WHERE d.endpoint = $1 AND d.state = 'waiting' AND d.next_at <= $2 AND d.leased_until <= $2
      AND NOT EXISTS (${EARLIER_DELIVERY}) AND NOT EXISTS (${CANCELLED_IN_FLIGHT})
      AND NOT EXISTS (SELECT 1 FROM webhook_disabled_endpoints x WHERE x.endpoint = d.endpoint)
    ORDER BY d.next_at, d.seq LIMIT $5 ${dialect.skipLocked})`;
/** holder. */
export const leasedDeliveries = `
  SELECT d.id, d.trigger_name, d.attempts, d.due_at, e.event_key, e.sealed
  FROM webhook_deliveries d JOIN webhook_events e ON e.seq = d.event_seq
  WHERE d.holder = $1 AND d.state = 'waiting' ORDER BY d.next_at, d.seq`;

/**
 * Parameters: id, holder, attempts, reason, state, now. A delivery that arrived is delivered even if its lease expired. While
 * another instance has the lease and sends it again, the next delivery waits for that instance's report. A delivery that was
 * cancelled during the attempt stays cancelled unless it arrived.
 */
export const deliveryFinished = `
  UPDATE webhook_deliveries SET attempts = $3, reason = $4, finished_at = $6, next_at = NULL, leased_until = 0,
    state = CASE WHEN state = 'cancelled' AND $5 <> 'delivered' THEN state ELSE $5 END
  WHERE id = $1 AND state <> 'delivered' AND ((state IN ('waiting', 'cancelled') AND holder = $2)
    OR ($5 = 'delivered' AND (state <> 'waiting' OR leased_until <= $6)))`;
/** id, holder, attempts, reason, next at. A delivery that was cancelled meanwhile is not tried again. */
export const deliveryPostponed = `
  UPDATE webhook_deliveries SET attempts = $3, reason = $4, ready_at = $5, leased_until = 0,
    next_at = CASE WHEN state = 'waiting' THEN CAST($5 AS BIGINT) END
  WHERE id = $1 AND state IN ('waiting', 'cancelled') AND holder = $2`;
/** Makes the next delivery of the lane due. Parameter: id. */
export const promoteBehind = `
  UPDATE webhook_deliveries SET next_at = ready_at WHERE next_at IS NULL AND state = 'waiting' AND seq = (
    SELECT w.seq FROM webhook_deliveries w, webhook_deliveries f
    WHERE f.id = $1 AND w.endpoint = f.endpoint AND w.order_key = f.order_key AND w.state = 'waiting'
    ORDER BY w.due_at, w.seq LIMIT 1)`;
/** id. */
export const releaseSkipped = `DELETE FROM webhook_claims WHERE holder = $1
  AND EXISTS (SELECT 1 FROM webhook_deliveries WHERE id = $1 AND state = 'skipped')`;

/** endpoint, now, reason. */
export const disableEndpoint = `
  INSERT INTO webhook_disabled_endpoints (endpoint, disabled_at, reason) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`;
/** now. */
export const markDisabledDead = `
  UPDATE webhook_deliveries SET state = 'dead', reason = 'endpoint is disabled', next_at = NULL, finished_at = $1
  WHERE state = 'waiting' AND endpoint IN (SELECT endpoint FROM webhook_disabled_endpoints)`;

/** ready before, now, limit. */
export const markAbandonedDead = `
  UPDATE webhook_deliveries SET state = 'dead', reason = 'the endpoint is not in the settings', next_at = NULL, finished_at = $2
  WHERE seq IN (SELECT seq FROM webhook_deliveries WHERE state = 'waiting' AND ready_at < $1 LIMIT $3) RETURNING id`;

const RECORD_COLUMNS =
  'id, state, trigger_name, endpoint, attempts, reason, created_at, due_at, next_at, finished_at';
/** state or null, endpoint or null, limit. */
export const listDeliveries = `SELECT ${RECORD_COLUMNS} FROM webhook_deliveries
  WHERE (CAST($1 AS TEXT) IS NULL OR state = $1) AND (CAST($2 AS TEXT) IS NULL OR endpoint = $2)
  ORDER BY seq DESC LIMIT $3`;
/** id. */
export const findDelivery = `SELECT ${RECORD_COLUMNS} FROM webhook_deliveries WHERE id = $1`;

const REPLAY = `
  UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, due_at = $1, ready_at = $1, next_at = $1,
    leased_until = 0, holder = '', finished_at = NULL
  WHERE state <> 'waiting' AND endpoint NOT IN (SELECT endpoint FROM webhook_disabled_endpoints)
  AND EXISTS (SELECT 1 FROM webhook_events e WHERE e.seq = event_seq AND e.sealed IS NOT NULL)`;
/** now, id. */
export const replayOne = `${REPLAY} AND id = $2 RETURNING id`;
/** now, endpoint or null. */
export const replayDead = `${REPLAY} AND state = 'dead' AND (CAST($2 AS TEXT) IS NULL OR endpoint = $2) RETURNING id`;

/** now, finished before (the dead), finished before (the rest), limit. */
export const sweepDeliveries = `
  DELETE FROM webhook_deliveries WHERE seq IN (
    SELECT seq FROM webhook_deliveries
    WHERE (state = 'dead' AND finished_at < $1) OR (state IN ('delivered', 'skipped', 'cancelled') AND finished_at < $2)
    LIMIT $3) RETURNING id`;
/** A delivery that may still need the content of the event. Parameter: used after. */
const STILL_USED = `SELECT 1 FROM webhook_deliveries d WHERE d.event_seq = e.seq
  AND (d.state IN ('waiting', 'dead') OR d.finished_at >= $1)`;
/** used before, the dead before, limit. */
export const sweepContents = `
  UPDATE webhook_events SET sealed = NULL WHERE seq IN (
    SELECT e.seq FROM webhook_events e WHERE e.sealed IS NOT NULL
    AND ((e.state = 'processed' AND e.finished_at < $1 AND NOT EXISTS (${STILL_USED}))
      OR (e.state = 'dead' AND e.finished_at < $2)) LIMIT $3) RETURNING seq`;
/** received before, limit. */
export const sweepEvents = `
  DELETE FROM webhook_events WHERE seq IN (
    SELECT seq FROM webhook_events WHERE received_at < $1 AND sealed IS NULL AND state <> 'waiting' LIMIT $2)
  RETURNING seq`;
/** now, limit. */
export const sweepClaims = `DELETE FROM webhook_claims WHERE claim_key IN (
  SELECT claim_key FROM webhook_claims WHERE until_at < $1 LIMIT $2) RETURNING claim_key`;

export const countEvents = `SELECT state, COUNT(*) AS count, MIN(received_at) AS oldest FROM webhook_events
  WHERE state IN ('waiting', 'dead') GROUP BY state`;
/** Counts only these states: the query runs often, and there can be millions of other deliveries. */
export const countDeliveries = `
  SELECT endpoint, 'dead' AS state, COUNT(*) AS count FROM webhook_deliveries WHERE state = 'dead' GROUP BY endpoint
  UNION ALL
  SELECT endpoint, 'waiting', COUNT(*) FROM webhook_deliveries WHERE state = 'waiting' GROUP BY endpoint`;
