import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { emit, UnknownPersonError, UnknownTypeError, type Emitted } from './emit.js';
import { faults, healthy, type Fault } from './fault.js';
import { startHttpProxy } from './http-proxy.js';
import { NotOfAFolderError, openFolderFront, type FolderFront } from './folder-front.js';
import { openProxyPort, type Counters, type ProxyPort } from './proxy-port.js';
import { startSqlProxy } from './sql-proxy.js';
import type { StandIn } from './world.js';

export interface FaultControl {
  /** The address of the HTTP API. */
  url: string;
  /** The address of the proxy in front of each stand-in. */
  sources: Record<string, { url: string }>;
  /** The environment variables of a gateway that reaches every stand-in by its proxy. */
  settings: Record<string, string>;
  /** Omitted members stay the same. Resolves when the change takes effect. Throws for an unknown source or value. */
  set(name: string, change: ConditionChange): Promise<SourceState>;
  /**
   * Creates an event about a person in a system, which sends its webhook until the answer is 2xx. Throws if the system does
   * not have the event or the address.
   */
  emit(name: string, event: Happening): Promise<Emitted>;
  /** Ends every fault and latency, and resets the counters. */
  heal(): Promise<void>;
  counters(): Record<string, Counters>;
  close(): Promise<void>;
}

const conditionChange = z
  .strictObject({
    latencyMs: z.number().min(0).max(60_000).optional(),
    fault: z.enum(faults).nullable().optional(),
    status: z.int().min(400).max(599).optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'set latencyMs, fault or both');

export type ConditionChange = z.infer<typeof conditionChange>;

const happening = z.strictObject({
  /** A type of the gateway's list, such as `order.paid`. */
  type: z.string(),
  email: z.string(),
  /** The gateway that receives the webhook. Default: that of the options. */
  to: z
    .string()
    .regex(
      /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/,
      'an address of this machine such as http://127.0.0.1:4000',
    )
    .optional(),
});

export type Happening = z.infer<typeof happening>;

export interface SourceState extends Counters {
  url: string;
  latencyMs: number;
  fault: Fault | null;
  /** Used while the fault is "status". Default 500. */
  status?: number;
}

interface Source {
  standIn: StandIn;
  url: string;
  proxy: ProxyPort | FolderFront;
}

/**
 * Starts a proxy in front of each stand-in, and an HTTP API that controls them, by default on a free port. Webhooks go to the
 * gateway.
 */
export async function createFaultControl(
  standIns: readonly StandIn[],
  { port = 0, gateway = 'http://127.0.0.1:4000' }: { port?: number; gateway?: string } = {},
): Promise<FaultControl> {
  const sources = new Map<string, Source>();
  const each = <T>(of: (source: Source) => T): Record<string, T> =>
    Object.fromEntries([...sources].map(([name, source]) => [name, of(source)]));
  const closeProxies = async (): Promise<void> => {
    await Promise.all([...sources.values()].map(({ proxy }) => proxy.close()));
  };

  const find = (name: string): Source => {
    const source = sources.get(name);
    if (source === undefined) throw new UnknownSourceError(name, [...sources.keys()]);
    return source;
  };

  const set: FaultControl['set'] = async (name, change) => {
    const source = find(name);
    const { latencyMs, fault, status } = checkChange(change);
    const { condition } = source.proxy;
    await source.proxy.change({
      latencyMs: latencyMs ?? condition.latencyMs,
      fault: fault === undefined ? condition.fault : fault,
      status: status ?? (fault === undefined ? condition.status : healthy.status),
    });
    return stateOf(source);
  };

  const emitEvent: FaultControl['emit'] = async (name, event) => {
    const { standIn } = find(name);
    const { type, email, to = gateway } = checked(happening, event);
    return emit(standIn, { type, email }, to);
  };

  const heal = async (): Promise<void> => {
    await Promise.all(
      [...sources.values()].map(async ({ proxy }) => {
        await proxy.change(healthy);
        proxy.resetCalls();
      }),
    );
  };

  const api = createServer();
  api.on('request', (request, response) => {
    void answer(request, response, {
      set,
      emit: emitEvent,
      heal,
      find,
      states: () => ({ sources: each(stateOf) }),
    });
  });

  try {
    for (const standIn of standIns) sources.set(standIn.name, await startProxy(standIn));
    const apiPort = await openProxyPort(api, { port });
    return {
      url: `http://127.0.0.1:${apiPort.number}`,
      sources: each(({ url }) => ({ url })),
      settings: Object.fromEntries(
        standIns.flatMap((standIn) => Object.entries(standIn.settings(find(standIn.name).url))),
      ),
      set,
      emit: emitEvent,
      heal,
      counters: () => each(({ proxy }) => proxy.counters),
      async close() {
        await Promise.all([apiPort.close(), closeProxies()]);
      },
    };
  } catch (error) {
    await closeProxies();
    throw error;
  }
}

async function startProxy(standIn: StandIn): Promise<Source> {
  const target = new URL(standIn.url);
  if (target.protocol === 'file:') {
    const proxy = await openFolderFront(target);
    return { standIn, proxy, url: proxy.url };
  }
  const proxy = await (target.protocol === 'http:'
    ? startHttpProxy(target)
    : target.protocol === 'postgres:'
      ? startSqlProxy(target)
      : Promise.reject(new TypeError(`no proxy speaks ${target.protocol} (${standIn.name})`)));
  // The URL class is not used, because it would add a slash that the settings of a stand-in do not expect.
  return { standIn, proxy, url: standIn.url.replace(target.host, `127.0.0.1:${proxy.number}`) };
}

function stateOf({ url, proxy }: Source): SourceState {
  const { latencyMs, fault, status } = proxy.condition;
  return { url, ...proxy.counters, latencyMs, fault, ...(fault === 'status' && { status }) };
}

function checkChange(change: unknown): ConditionChange {
  return checked(conditionChange, change);
}

function checked<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (!result.success) throw new InvalidChangeError(z.prettifyError(result.error));
  return result.data;
}

class InvalidChangeError extends Error {
  override name = 'InvalidChangeError';
}

class UnknownSourceError extends Error {
  override name = 'UnknownSourceError';
  constructor(name: string, known: readonly string[]) {
    super(`no source "${name}" here, only ${known.join(', ')}`);
  }
}

interface Actions extends Pick<FaultControl, 'set' | 'emit' | 'heal'> {
  find(name: string): Source;
  states(): unknown;
}

async function answer(request: IncomingMessage, response: ServerResponse, actions: Actions): Promise<void> {
  try {
    const [name = '', emitted] = new URL(request.url ?? '/', 'http://localhost').pathname
      .slice(1)
      .split(/(?<=.)\/(?=emit$)/);
    if (emitted !== undefined) {
      actions.find(name);
      if (request.method !== 'POST') refuseMethod(response, 'POST');
      else sendJson(response, 200, await actions.emit(name, checked(happening, await readJson(request))));
    } else if (name === '') {
      if (request.method === 'DELETE') await actions.heal();
      if (request.method === 'GET' || request.method === 'DELETE') sendJson(response, 200, actions.states());
      else refuseMethod(response, 'GET, DELETE');
    } else {
      const source = actions.find(name);
      if (request.method === 'GET') sendJson(response, 200, stateOf(source));
      else if (request.method !== 'PUT') refuseMethod(response, 'GET, PUT');
      else sendJson(response, 200, await actions.set(name, checkChange(await readJson(request))));
    }
  } catch (error) {
    const status =
      error instanceof UnknownSourceError || error instanceof UnknownPersonError
        ? 404
        : error instanceof InvalidChangeError ||
            error instanceof UnknownTypeError ||
            error instanceof NotOfAFolderError
          ? 400
          : 500;
    sendJson(response, status, { error: error instanceof Error ? error.message : String(error) });
  }
}

const maxBodyLength = 10_000;

async function readJson(request: IncomingMessage): Promise<unknown> {
  request.setEncoding('utf8');
  let text = '';
  for await (const piece of request) {
    text += String(piece);
    if (text.length > maxBodyLength) throw new InvalidChangeError('the body is too long');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidChangeError('the body is not JSON');
  }
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader('Allow', allowed);
  sendJson(response, 405, { error: `this address accepts ${allowed} only` });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
}
