import type { Client } from '../../src/index.js';

/** Changes the answers of a system between a loader and its client. */

/** One call of a loader, with the properties by which calls are compared. */
export interface Call {
  /** The method of the client and its arguments. */
  name: string;
  /** The method, and the path or statement without ids. Calls of the same kind request records of the same shape. */
  kind: string;
}

export type Answer = (call: Call, live: () => Promise<unknown>) => Promise<unknown>;

const METHODS = new Set(['get', 'getText', 'post', 'follow', 'rows', 'list', 'query', 'call']);

/** Wraps a client, and the clients that it consists of, so that `answer` handles all calls. */
export function throughAnswer<C extends Client>(client: C, answer: Answer): C {
  return wrap(client, answer, '') as C;
}

function wrap(client: object, answer: Answer, path: string): object {
  // A client may be an instance of a class, whose methods are on the prototype.
  const names = [...Object.keys(client), ...METHODS].filter((name) => name in client);
  return Object.fromEntries(
    names.map((name) => {
      const value: unknown = Reflect.get(client, name);
      const at = `${path}${name}`;
      if (typeof value === 'function' && METHODS.has(name)) {
        const method = value as (...input: unknown[]) => Promise<unknown>;
        return [name, (...input: unknown[]) => answer(callOf(at, input), () => method.apply(client, input))];
      }
      const isPart = typeof value === 'object' && value !== null && 'ping' in value;
      return [name, isPart ? wrap(value, answer, `${at}.`) : value];
    }),
  );
}

function callOf(method: string, input: readonly unknown[]): Call {
  const [schema, ...rest] = input;
  const hasSchema = typeof schema === 'object' && schema !== null && 'safeParse' in schema;
  const parameters = hasSchema ? rest : input;
  const text = parameters.find((parameter) => typeof parameter === 'string') ?? '';
  return {
    name: `${method} ${JSON.stringify(parameters)}`,
    kind: `${method} ${text.replace(/[^/]*\d{4,}[^/]*/g, '*')}`,
  };
}

/** The place of the records in an answer. */
export interface Place {
  /** The lists of records in an answer. */
  read(answer: unknown): readonly (readonly unknown[])[];
  /** Returns the answer with other lists, in the same order. */
  write(answer: unknown, lists: readonly (readonly unknown[])[]): unknown;
}

/** The answer itself is the list, such as a list of rows. */
export const itself: Place = {
  read: (answer) => (Array.isArray(answer) ? [answer as unknown[]] : []),
  write: (answer, lists) => lists[0] ?? answer,
};

/** A list below these properties. */
export function below(...names: readonly string[]): Place {
  const [name = '', ...rest] = names;
  const inner = rest.length === 0 ? itself : below(...rest);
  return {
    read: (answer) => inner.read(memberOf(answer, name)),
    write: (answer, lists) =>
      isObject(answer) ? { ...answer, [name]: inner.write(answer[name], lists) } : answer,
  };
}

/** A list in each element of a list. */
export function each(outer: Place, inner: Place): Place {
  return {
    read: (answer) => outer.read(answer).flatMap((list) => list.flatMap((item) => inner.read(item))),
    write: (answer, lists) => {
      const left = [...lists];
      const changed = outer
        .read(answer)
        .map((list) => list.map((item) => inner.write(item, left.splice(0, inner.read(item).length))));
      return outer.write(answer, changed);
    },
  };
}

/** The values of an object, with its property names as positions. */
export function valuesOf(...names: readonly string[]): Place {
  const [name = '', ...rest] = names;
  if (names.length > 0) {
    const inner = valuesOf(...rest);
    return {
      read: (answer) => inner.read(memberOf(answer, name)),
      write: (answer, lists) =>
        isObject(answer) ? { ...answer, [name]: inner.write(answer[name], lists) } : answer,
    };
  }
  return {
    read: (answer) => (isObject(answer) ? [Object.values(answer)] : []),
    write: (answer, [list = []]) =>
      isObject(answer)
        ? Object.fromEntries(Object.keys(answer).map((key, i) => [key, list[i] ?? null]))
        : answer,
  };
}

/** A list in JSON text. */
export function inJson(name: string, inner: Place): Place {
  const parsed = (answer: unknown): unknown => JSON.parse(String(memberOf(answer, name)));
  return {
    read: (answer) => inner.read(parsed(answer)),
    write: (answer, lists) =>
      isObject(answer) ? { ...answer, [name]: JSON.stringify(inner.write(parsed(answer), lists)) } : answer,
  };
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
