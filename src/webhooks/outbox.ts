import { setTimeout as wait } from 'node:timers/promises';
import { openOutbox, type Outbox, type OutboxRow } from '../connectors/sql/outbox.js';
import { InvalidInputError } from '../errors.js';
import type { Setting, SettingsReader } from '../settings.js';
import type { Logger } from '../telemetry/logger.js';
import type { WebhookOutcome } from '../telemetry/webhook-metrics.js';
import type { ReportedEvent } from './declaration.js';
import { ofSource, type IntakeOptions } from './intake.js';

/** How a system with a database of its own tells of changes: by a table that its triggers write, or its software. */
export interface OutboxDeclaration {
  /** The database, as a role that may read and delete in the table and nothing else. Without the setting nothing is taken. */
  url: Setting<string>;
  /** The table, with a column `id` that grows; in PostgreSQL also the channel of `NOTIFY`. */
  table: string;
  /** What happened; undefined for what we make nothing of. Throws an InvalidInputError for what cannot be read. */
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
  /** Before the first and the last of the attempts to reach the database again. Default 1 s and 30 s. */
  pausesMs?: { first: number; last: number };
}

export interface OutboxReader {
  close(): Promise<void>;
}

/** The outboxes whose database is set. */
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
 * Takes what is in the outbox, and what comes. A row is gone only when its event is kept, so what happens while we are away
 * waits there. Several instances may read one outbox: each row is one's.
 */
export function createOutboxReader({
  source,
  address,
  declaration,
  keep,
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
          await outbox.news(signal);
        }
      } catch (error) {
        const reason = error instanceof Error ? error.name : 'unknown';
        logger.warn({ source, reason, pauseMs }, 'the outbox cannot be read now');
        onReceived(source, 'failed');
        await wait(pauseMs, undefined, { signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, pausesMs.last);
      } finally {
        await outbox?.close().catch(() => undefined);
      }
    }
  };

  /** Always from the beginning: a transaction may have ended after one with a higher id. */
  async function takeAll(outbox: Outbox): Promise<void> {
    for (let last: string | undefined = '0'; last !== undefined && !isClosing();)
      last = await outbox.take(last, takeRows);
  }

  async function takeRows(rows: readonly OutboxRow[]): Promise<string[]> {
    const readable = rows.filter((row) => canBeRead(row));
    const events = readable.flatMap((row) => {
      const event = declaration.event(row);
      return event === undefined ? [] : ofSource(source, event, { types, identify });
    });
    const { kept } = events.length === 0 ? { kept: 0 } : await keep(events);
    if (readable.length > 0)
      onReceived(source, events.length === 0 ? 'ignored' : kept > 0 ? 'stored' : 'duplicate');
    return readable.map(({ id }) => id);
  }

  /** What cannot be read stays for whoever mends it, and what comes after goes on. */
  function canBeRead(row: OutboxRow): boolean {
    try {
      declaration.event(row);
      return true;
    } catch (error) {
      const reason = error instanceof InvalidInputError ? error.message : 'unknown';
      logger.error({ source, id: row.id, reason }, 'a row of the outbox cannot be read and is left there');
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
