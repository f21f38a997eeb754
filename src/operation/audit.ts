import { createHash } from 'node:crypto';
import { getOperationAST, print, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Context } from '../customer/customer.js';
import type { Identifier } from '../identity/identifiers.js';
import type { AuditedOperation, AuditEntry } from '../privacy/audit-line.js';
import type { AuditLog } from '../privacy/audit-log.js';
import type { Privacy } from '../privacy/privacy.js';
import type { Provenance } from '../loaders/provenance.js';
import type { Logger } from '../telemetry/logger.js';
import type { Asker } from './caller.js';
import { firstPartOf } from './deferred.js';
import { requestIdOf } from './request-id.js';
import { httpError } from './request-error.js';
import { stateOf, type RequestHead } from './request-state.js';

export interface AuditorOptions {
  log: AuditLog;
  /** Whether an answer is withheld when its line cannot be written. */
  required: boolean;
  privacy: Pick<Privacy, 'disclosures' | 'permissions'>;
  /** The customers that a request was told of, by their opaque ids. */
  customersOf: (context: Context, about: Identifier | undefined) => readonly string[];
  logger: Logger;
}

/** An answer that is about to go out. */
export interface Answered {
  args: Pick<ExecutionArgs, 'document' | 'operationName'>;
  /** As much of the document as is told of. Default: all of it. */
  told?: DocumentNode;
  /** What the resolvers were handed. */
  context: Context;
  asker: Asker;
  requestId: string;
  provenance: Provenance | undefined;
  /** Whom the event is about that is told. */
  about?: Identifier | undefined;
  /** Why it is not given after all. */
  because?: string;
}

export interface Auditor {
  /** The line of an answer; undefined when there is nothing of a person in it. */
  entryOf(answered: Answered): AuditEntry | undefined;
  /** Writes a line. False: the answer may not be given. */
  write(entry: AuditEntry): Promise<boolean>;
}

export function createAuditor({ log, required, privacy, customersOf, logger }: AuditorOptions): Auditor {
  const { disclosures, permissions } = privacy;

  const entryOf = ({
    args,
    told = args.document,
    context,
    asker,
    requestId,
    provenance,
    about,
    because,
  }: Answered): AuditEntry | undefined => {
    const { document, operationName = null } = args;
    const { caller, audience } = asker;
    const decided = permissions.decided(context);
    const categories = disclosures.of({ document: told, operationName }, audience, decided);
    if (categories === undefined) return undefined;
    const sources = provenance?.statuses() ?? {};
    const customers = customersOf(context, about);
    // Refused before anything was asked: of nobody anything was to be told.
    if (customers.length === 0 && Object.keys(sources).length === 0) return undefined;
    const statuses = Object.values(sources);
    return {
      requestId,
      caller: caller.name,
      purpose: audience.purpose ?? 'NONE',
      operation: auditedOperation(document, operationName),
      customers,
      categories,
      sources,
      cached: statuses.every((status) => status === 'cached' || status === 'stale'),
      ...(because === undefined ? {} : { because }),
    };
  };

  return {
    entryOf,
    write: async (entry) => {
      try {
        await log.append(entry);
        return true;
      } catch (error) {
        const { requestId } = entry;
        logger.error({ requestId, reason: error instanceof Error ? error.name : 'unknown' }, 'not audited');
        return !required;
      }
    },
  };
}

/**
 * Writes a line for each answer with personal data, before the answer goes out. Of an answer in parts each line tells of
 * all that was given until then, and there is one before each part with something in it that no line has told of.
 */
export function useAudit(
  auditor: Auditor,
  askerOf: (request: RequestHead) => Asker,
  provenanceOf: (request: RequestHead) => Provenance | undefined,
): Plugin {
  return {
    onExecute: ({ args, context }: { args: ExecutionArgs; context: { request: RequestHead } }) => ({
      onExecuteDone: (event: {
        result: ExecutionResult | AsyncIterable<unknown>;
        setResult: (result: ExecutionResult) => void;
      }) => {
        if (isAsyncIterable(event.result)) return undefined;
        const { request } = context;
        const state = stateOf(request);
        /** False: it may not be given. */
        const account = (told: DocumentNode): Promise<boolean> | true => {
          const entry = auditor.entryOf({
            args,
            told,
            // The executor hands it to resolvers as it is.
            context: args.contextValue as Context,
            asker: askerOf(request),
            requestId: requestIdOf(request),
            provenance: provenanceOf(request),
          });
          if (entry === undefined || tellsOf(state.auditEntry, entry)) return true;
          state.auditEntry = entry;
          return auditor.write(entry);
        };
        const { later } = state;
        if (later !== undefined)
          later.account = async () => {
            if (!(await account(args.document))) throw notAudited();
          };
        const given = account(later === undefined ? args.document : firstPartOf(args.document));
        if (given === true) return undefined;
        return given.then((isGiven) => {
          if (!isGiven) event.setResult({ errors: [notAudited()] });
        });
      },
    }),
  };
}

/** Whether a line tells of everybody and everything that another one does. */
function tellsOf(line: AuditEntry | undefined, other: AuditEntry): boolean {
  if (line === undefined) return false;
  const holds = (all: readonly string[], some: readonly string[]): boolean => {
    const known = new Set(all);
    return some.every((one) => known.has(one));
  };
  const { granted, masked, withheld } = other.categories;
  return (
    holds(line.customers, other.customers) &&
    holds(Object.keys(line.sources), Object.keys(other.sources)) &&
    holds(line.categories.granted, granted) &&
    holds(line.categories.masked, masked) &&
    holds(line.categories.withheld, withheld)
  );
}

function notAudited() {
  return httpError(
    'AUDIT_UNAVAILABLE',
    'The audit log cannot be written, and an answer that nobody can account for is not given. Tell the operator.',
    503,
  );
}

const operations = new WeakMap<DocumentNode, Map<string | null, AuditedOperation>>();

/** Its id is as the manifest names persisted operations. */
function auditedOperation(document: DocumentNode, asked: string | null): AuditedOperation {
  let ofDocument = operations.get(document);
  if (ofDocument === undefined)
    operations.set(document, (ofDocument = new Map<string | null, AuditedOperation>()));
  let operation = ofDocument.get(asked);
  if (operation === undefined) {
    const name = getOperationAST(document, asked)?.name?.value ?? null;
    const id = `sha256:${createHash('sha256').update(print(document)).digest('hex')}`;
    ofDocument.set(asked, (operation = { name, id }));
  }
  return operation;
}
