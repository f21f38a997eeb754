import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import { processRegularResult, type GraphQLParams, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from '../telemetry/logger.js';
import { formatError } from '../operation/format-errors.js';
import { NodeRequest } from './node-request.js';
import { readNodeBody, type RequestReader } from './read-request.js';
import { requestIdOf } from '../operation/request-id.js';
import type { RequestHead } from '../operation/request-state.js';
import type { RequestSteps, Result } from '../operation/request-steps.js';
import type { Made, WholeAnswers } from '../operation/response-cache.js';

export interface FrontOptions {
  yoga: YogaServerInstance<object, object>;
  endpoint: string;
  steps: RequestSteps;
  reader: RequestReader;
  /** Undefined: each request is worked out by itself. */
  answers: WholeAnswers | undefined;
  maxBodyBytes: number;
  /** What the headers of an answer tell of its age. */
  answerHeaders: (request: RequestHead) => Readonly<Record<string, string>>;
  logger: Pick<Logger, 'error'>;
}

/** GraphQL's functions with Yoga's plugins around them. */
interface Enveloped {
  schema: GraphQLSchema;
  parse: (source: string) => DocumentNode;
  validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[];
  contextFactory: () => unknown;
  execute: (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>;
}

type MediaType = 'application/json' | 'application/graphql-response+json';

/**
 * Answers plain requests, which nearly all are: an operation that is posted as JSON, or a persisted one that is asked by
 * GET, by a client that takes JSON for an answer. It does what Yoga does, by the same plugins and steps, but makes no Request, no
 * Response and no streams of them. All else goes to Yoga as it came.
 */
export function createFront(options: FrontOptions): RequestListener {
  const { yoga, endpoint, steps, reader, answers, maxBodyBytes, answerHeaders, logger } = options;

  return (incoming, response) => {
    const mediaType = isPlain(incoming, endpoint) ? mediaTypeFor(incoming.headers.accept) : undefined;
    if (mediaType === undefined) void yoga(incoming, response);
    else
      answer(incoming, response, mediaType).catch((error: unknown) => {
        logger.error(
          { reason: error instanceof Error ? error.name : 'unknown' },
          'a request was not answered',
        );
        response.destroy();
      });
  };

  async function answer(
    incoming: IncomingMessage,
    response: ServerResponse,
    mediaType: MediaType,
  ): Promise<void> {
    const request = new NodeRequest(incoming, response);
    const reply = { request, response, mediaType };
    let result: Result;
    let keep: Made['keep'] | undefined;
    try {
      const begun = steps.begin(request);
      if (begun !== undefined) await begun;
      const body = request.method === 'POST' ? await readNodeBody(incoming, maxBodyBytes) : undefined;
      const key = answers?.keyOf(request, body);
      const kept = key === undefined ? undefined : await answers?.kept(key, request);
      if (kept !== undefined) {
        steps.answered(request, COMPLETE);
        write(reply, { text: kept });
        return;
      }
      const params = body === undefined ? reader.parameters(request) : reader.posted(request, body);
      steps.asked(request, params);
      const make = () => run(request, params);
      const made: Made =
        answers === undefined || key === undefined
          ? { result: await make() }
          : await answers.once(key, request, make);
      if (made.result === undefined) {
        // Where a body was read, Yoga looks for it here.
        void yoga(body === undefined ? incoming : Object.assign(incoming, { body }), response);
        return;
      }
      ({ result, keep } = made);
    } catch (error) {
      result = failed(error);
    }
    try {
      await send(reply, steps.answered(request, result), keep);
    } catch (error) {
      await send(reply, steps.answered(request, failed(error)));
    }
  }

  /** Undefined when the answer may come bit by bit. */
  async function run(request: RequestHead, params: GraphQLParams): Promise<ExecutionResult | undefined> {
    const enveloped: Enveloped = yoga.getEnveloped({ request, params });
    const { schema, parse, validate, contextFactory, execute } = enveloped;
    const document = parse(params.query ?? '');
    if (!comesAtOnce(document)) return undefined;
    const errors = validate(schema, document);
    if (errors.length > 0) return { errors };
    return execute({
      schema,
      document,
      contextValue: await contextFactory(),
      variableValues: params.variables,
      operationName: params.operationName,
    });
  }

  async function send(reply: Reply, result: Result, keep?: Made['keep']): Promise<void> {
    if ('errors' in result) {
      // What becomes of errors, in the status, the headers and the body, is Yoga's to say.
      const told = processRegularResult(result, yoga.fetchAPI, reply.mediaType);
      const headers: Record<string, string> = {};
      told.headers.forEach((value, name) => (headers[name.toLowerCase()] = value));
      write(reply, { status: told.status, text: await told.text(), headers });
      return;
    }
    const text = JSON.stringify(result);
    keep?.(text);
    write(reply, { text });
  }

  function write({ request, response, mediaType }: Reply, { status = 200, text, headers }: Told): void {
    if (response.destroyed || response.writableEnded) return;
    const all = {
      'content-type': `${mediaType}; charset=utf-8`,
      ...headers,
      'content-length': String(Buffer.byteLength(text)),
      'x-request-id': requestIdOf(request),
      ...answerHeaders(request),
    };
    response.writeHead(status, all).end(text);
  }
}

/** What is answered, and as what. */
interface Reply {
  request: RequestHead;
  response: ServerResponse;
  mediaType: MediaType;
}

interface Told {
  status?: number;
  text: string | Uint8Array;
  headers?: Readonly<Record<string, string>>;
}

/** Stands for an answer with nothing missing. */
const COMPLETE: Result = { data: {} };

function isPlain({ method, url = '', headers }: IncomingMessage, endpoint: string): boolean {
  if (headers.host === undefined) return false;
  if (method === 'POST')
    return url === endpoint && headers['content-type']?.startsWith('application/json') === true;
  // What comes after a "#" is no part of the parameters.
  return (
    method === 'GET' && url.startsWith(`${endpoint}?`) && url.includes('documentId=') && !url.includes('#')
  );
}

const ANSWERED_WITH: ReadonlyMap<string, MediaType> = new Map([
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
]);

/** The first of the types that a client takes, as Yoga has it; undefined when it takes other than JSON. */
function mediaTypeFor(accept = '*/*'): MediaType | undefined {
  let first: MediaType | undefined;
  for (const one of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = one.split(';');
    const mediaType = ANSWERED_WITH.get(type.trim());
    const isKnown = parameters.every((parameter) => /^ *(q=[\d.]+|charset=utf-8) *$/.test(parameter));
    if (mediaType === undefined || !isKnown) return undefined;
    first ??= mediaType;
  }
  return first;
}

/** Whether it is no subscription. What may come later comes at once, too: whoever takes it in parts does not ask plainly. */
function comesAtOnce({ definitions }: DocumentNode): boolean {
  return definitions.every(
    (one) => one.kind !== Kind.OPERATION_DEFINITION || one.operation !== OperationTypeNode.SUBSCRIPTION,
  );
}

/** What is thrown before there is an answer, as Yoga tells it. */
function failed(error: unknown): { errors: GraphQLError[] } {
  const all: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return { errors: all.map(formatError).filter((one) => one instanceof GraphQLError) };
}
