import { setTimeout as wait } from 'node:timers/promises';
import { openOutbox, type Outbox, type OutboxRow } from '../connectors/sql/outbox.js';
import { InvalidInputError } from '../errors.js';
import type { Setting, SettingsReader } from '../settings.js';
import type { Logger } from '../telemetry/logger.js';
import type { WebhookOutcome } from '../telemetry/webhook-metrics.js';
import type { ReportedEvent } from './declaration.js';
import { storedEvents, type IntakeOptions } from './intake.js';

/** How a system reports changes in a table of its database, which its triggers or its software write. */
export interface OutboxDeclaration {
  /** The database, with a role that may only read and delete rows of the table. Without this setting the outbox is not read. */
  url: Setting<string>;
  /** The table, which has an ascending column `id`. In PostgreSQL it is also the channel of `NOTIFY`. */
  table: string;
  /** Parses a row. Returns undefined for kinds that the gateway does not use. Throws an InvalidInputError for an invalid row. */
  event(row: OutboxRow): ReportedEvent | undefined;
}

/** An outbox that is plugged in. */
export interface PluggedInOutbox {
  source: string;
  address: string;
  declaration: OutboxDeclaration;
}

export interface OutboxReaderOptions extends PluggedInOutbox, IntakeOptions {
  onReceived?: (source: string, outcome: WebhookOutcome) => void;
  logger: Pick<Logger, 'warn' | 'error'>;
  /** The first and the longest pause between attempts to connect again. Default: 1 s and 30 s. */
  pausesMs?: { first: number; last: number };
}

export interface OutboxReader {
  close(): Promise<void>;
}

/** The outboxes whose database is in the settings. */
export function pluggedInOutboxes(
  sources: readonly { name: string; outbox?: OutboxDeclaration }[],
  settings: SettingsReader,
): PluggedInOutbox[] {
  return sources.flatMap(({ name, outbox }) =>
    outbox === undefined || !settings.isPresent(outbox.url)
      ? []
      : [{ source: name, address: settings.read(outbox.url) ?? '', declaration: outbox }],
  );
}

/**
 * Reads the rows of an outbox, now and when new ones arrive. A row is deleted only after its event was stored, so events wait
 * in the table while the gateway is unavailable. Several instances may read one outbox: only one gets each row.
 */
export function createOutboxReader({
  source,
  address,
  declaration,
  add,
  types,
  identify,
  onReceived = () => undefined,
  logger,
  pausesMs = { first: 1_000, last: 30_000 },
}: OutboxReaderOptions): OutboxReader {
  const closing = new AbortController();
  const { signal } = closing;
  const isClosing = () => signal.aborted;

  const read = async (): Promise<void> => {
    let pauseMs = pausesMs.first;
    while (!isClosing()) {
      let outbox: Outbox | undefined;
      try {
        outbox = await openOutbox(address, { name: declaration.table });
        while (!isClosing()) {
          await takeAll(outbox);
          pauseMs = pausesMs.first;
          await outbox.waitForRows(signal);
        }
      } catch (error) {
        const reason = error instanceof Error ? error.name : 'unknown';
        logger.warn({ source, reason, pauseMs }, 'the outbox cannot be read: check its database and role');
        onReceived(source, 'failed');
        await wait(pauseMs, undefined, { signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, pausesMs.last);
      } finally {
        await outbox?.close().catch(() => undefined);
      }
    }
  };

  /** Always starts at the first row: a transaction may commit after one with higher ids. */
  async function takeAll(outbox: Outbox): Promise<void> {
    for (let last: string | undefined = '0'; last !== undefined && !isClosing();)
      last = await outbox.take(last, takeRows);
  }

  async function takeRows(rows: readonly OutboxRow[]): Promise<string[]> {
    const readable = rows.filter((row) => canBeRead(row));
    const events = readable.flatMap((row) => {
      const event = declaration.event(row);
      return event === undefined ? [] : storedEvents(source, event, { types, identify });
    });
    const { added } = events.length === 0 ? { added: 0 } : await add(events);
    if (readable.length > 0)
      onReceived(source, events.length === 0 ? 'ignored' : added > 0 ? 'stored' : 'duplicate');
    return readable.map(({ id }) => id);
  }

  /** A row that cannot be read stays in the table until an operator corrects it. Later rows are processed. */
  function canBeRead(row: OutboxRow): boolean {
    try {
      declaration.event(row);
      return true;
    } catch (error) {
      const reason = error instanceof InvalidInputError ? error.message : 'unknown';
      logger.error({ source, id: row.id, reason }, 'a row of the outbox cannot be read and stays there');
      onReceived(source, 'malformed');
      return false;
    }
  }

  const reading = read();
  return {
    close: async () => {
      closing.abort();
      await reading;
    },
  };
}
