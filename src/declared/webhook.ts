import { z } from 'zod';
import { InvalidInputError } from '../errors.js';
import { epochMs, moment, readJson, recordId } from '../webhooks/body.js';
import type { ReportedEvent, WebhookDeclaration } from '../webhooks/declaration.js';
import { isSameText, webhookSecrets } from '../webhooks/signatures.js';
import { signedMessage } from '../webhooks/signed-message.js';
import { standardWebhook } from '../webhooks/standard.js';
import { databaseUrl } from '../connectors/sql/client.js';
import type { OutboxDeclaration } from '../webhooks/outbox.js';
import type { Outbox, Webhook } from './grammar.js';
import { Mismatch } from './path.js';
import type { Report } from './problems.js';
import { variableIn } from './setting-name.js';
import { readerOf, toText } from './text-value.js';

type SignedWebhook = Exclude<Webhook, { standardWebhook: string }>;

/** More events in one message are refused. */
const MAX_EVENTS = 1_000;
/** Databases return times as objects. */
const time = z.union([moment, epochMs, z.date().transform((date) => date.toISOString())]);

/** Compiles the webhook of a source. `namespaces` are the kinds of identifier that the source has. */
export function compileWebhook(
  declared: Webhook,
  namespaces: readonly string[],
  report: Report,
): WebhookDeclaration {
  if ('standardWebhook' in declared)
    return standardWebhook({ variable: variableIn(declared.standardWebhook), namespaces });
  const secret = 'hmac' in declared ? declared.hmac.secret : declared.token.secret;
  return {
    secrets: webhookSecrets(variableIn(secret)),
    ...signatureOf(declared),
    events: eventReader(declared, report),
  };
}

function signatureOf(declared: SignedWebhook): Required<Pick<WebhookDeclaration, 'verify' | 'testMessage'>> {
  if ('hmac' in declared) {
    const { header, prefix = '', encoding = 'hex', timestamp } = declared.hmac;
    const base = { header, prefix, encoding };
    if (timestamp === undefined) return signedMessage(base);
    return signedMessage({
      ...base,
      timestamp: { header: timestamp, format: 'seconds' },
      signed: ({ body }, sentAt) => [`${sentAt}.`, body],
    });
  }
  const { header } = declared.token;
  return {
    verify: ({ headers }, secrets) => {
      const token = headers.get(header) ?? '';
      return secrets.filter((secret) => isSameText(secret, token)).length > 0 ? 'valid' : 'invalid';
    },
    testMessage: (_, secret) => ({ headers: { [header]: secret }, body: '{}' }),
  };
}

/** Compiles the outbox of a source. The numbers of rows repeat if the table is created again, so the time is part of the id. */
export function compileOutbox(declared: Outbox, report: Report): OutboxDeclaration {
  const toEvent = eventMapper(declared, 'outbox', report);
  return {
    url: databaseUrl(variableIn(declared.url)),
    table: declared.table,
    event: (row) => {
      try {
        const event = toEvent(row, '');
        return event === undefined ? undefined : { ...event, id: `${event.id} ${event.time}` };
      } catch (error) {
        if (error instanceof Mismatch)
          throw new InvalidInputError(`The row is not as the declaration has it: ${error.place}.`);
        throw error;
      }
    },
  };
}

/** Compiles the mapping of one event. Its result is undefined for kinds that the declaration does not name. */
function eventMapper(
  declared: Outbox | SignedWebhook,
  part: 'outbox' | 'webhook',
  report: Report,
): (event: unknown, now: string) => ReportedEvent | undefined {
  const { id, type, types, identifiers = {} } = declared;
  const reader = (path: string, member: string) => readerOf(path, [part, member], report);
  const [readId, readType] = [reader(id, 'id'), reader(type, 'type')];
  const readTime = declared.time === undefined ? undefined : reader(declared.time, 'time');
  const readSubject = declared.subject === undefined ? undefined : reader(declared.subject, 'subject');
  const typeOf = new Map(Object.entries(types));
  const identifierReaders = Object.entries(identifiers).map(
    ([namespace, path]) =>
      [namespace, path, readerOf(path, [part, 'identifiers', namespace], report)] as const,
  );

  return (event, now) => {
    const ours = typeOf.get(toText(readType(event), type) ?? '');
    if (ours === undefined) return undefined;
    const subject = readSubject?.(event);
    return {
      id: checked(recordId, readId(event), id),
      type: ours,
      time: readTime === undefined ? now : checked(time, readTime(event), declared.time ?? ''),
      ...(subject == null ? {} : { subject: checked(recordId, subject, declared.subject ?? '') }),
      identifiers: Object.fromEntries(
        identifierReaders.flatMap(([namespace, path, read]) => {
          const value = toText(read(event), path);
          return value === null || value.length > 1_000 ? [] : [[namespace, [value]]];
        }),
      ),
      data: {},
    };
  };
}

function eventReader(declared: SignedWebhook, report: Report): WebhookDeclaration['events'] {
  const toEvent = eventMapper(declared, 'webhook', report);
  const readEvents =
    declared.events === undefined ? undefined : readerOf(declared.events, ['webhook', 'events'], report);
  return ({ body }, nowMs) => {
    const message = readJson(body, z.unknown());
    const now = new Date(nowMs).toISOString();
    try {
      const events = readEvents === undefined ? [message] : readEvents(message);
      if (!Array.isArray(events) || events.length > MAX_EVENTS)
        throw new Mismatch(declared.events ?? '.', `a list of at most ${MAX_EVENTS} events`);
      return events.flatMap((event) => toEvent(event, now) ?? []);
    } catch (error) {
      if (error instanceof Mismatch)
        throw new InvalidInputError(`The body is not what the system sends: ${error.place}.`);
      throw error;
    }
  };
}

function checked<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new Mismatch(place, 'another value');
  return result.data;
}
