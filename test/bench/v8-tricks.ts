import { CallController } from '../../src/v8/call-signal.js';
import { TransientMap } from '../../src/v8/transient-map.js';
import { fieldWeakMap } from '../../src/v8/field-weak-map.js';

/** Begins a request, and returns what ends it. */
type Begin = (number: number) => () => void;

interface Trick {
  name: string;
  /** Flags of Node for the variant with the trick. */
  flags?: readonly string[];
  /** Number of measured requests. */
  requests: number;
  variants: Record<'trick' | 'plain', () => Begin>;
}

interface Node {
  text: string;
  children: Node[];
  facts: Map<string, string>;
}

/** Short-lived objects of a request: about 20 kB in small objects. */
function graph(depth: number, text: string): Node {
  const children: Node[] = [];
  if (depth > 0) for (let i = 0; i < 3; i += 1) children.push(graph(depth - 1, `${text}${i}`));
  return { text, children, facts: new Map([['text', text]]) };
}

const listener = () => undefined;

/** A request that stores its objects in a table, with or without the trick. */
const withTable = (table: {
  get(key: object): Node | undefined;
  set(key: object, value: Node): unknown;
}): Begin => {
  const pending = new Set<Node>();
  return (number) => {
    const request = graph(3, `${number}`);
    const keys = Array.from({ length: 20 }, (_, i) => ({ i }));
    for (const key of keys) table.set(key, request);
    for (const key of keys) if (table.get(key) !== request) throw new Error('It was lost.');
    pending.add(request);
    return () => {
      for (const key of keys) table.get(key);
      pending.delete(request);
    };
  };
};

/** A request that is in a map while it is in flight, with or without the trick. */
const withMap = (map: {
  set(key: string, value: Node): unknown;
  get(key: string): Node | undefined;
  delete(key: string): unknown;
}): Begin => {
  return (number) => {
    const key = `request ${number}`;
    const request = graph(3, `${number}`);
    for (let i = 0; i < 7; i += 1) map.set(`${key} ${i}`, request);
    return () => {
      for (let i = 0; i < 7; i += 1) {
        if (map.get(`${key} ${i}`) !== request) throw new Error('It was lost.');
        map.delete(`${key} ${i}`);
      }
    };
  };
};

interface Controller {
  readonly signal: {
    readonly aborted: boolean;
    addEventListener(type: 'abort', listener: () => void): void;
    removeEventListener(type: 'abort', listener: () => void): void;
  };
}

/** A request of seven calls, with two signals each. No call is cancelled. */
const withSignals =
  (create: () => Controller): Begin =>
  (number) => {
    const request = graph(3, `${number}`);
    const controllers = Array.from({ length: 14 }, create);
    for (const { signal } of controllers) signal.addEventListener('abort', listener);
    return () => {
      for (const { signal } of controllers) {
        if (signal.aborted) throw new Error(request.text);
        signal.removeEventListener('abort', listener);
      }
    };
  };

interface Scope {
  readonly retries: number;
  readonly isWaiting: boolean;
}

/** A request of seven batches. Each has a scope with its progress. */
const withScopes =
  (create: (request: Node) => Scope): Begin =>
  (number) => {
    const request = graph(3, `${number}`);
    const scopes = Array.from({ length: 7 }, () => create(request));
    return () => {
      for (const scope of scopes) if (scope.isWaiting && scope.retries > 0) throw new Error(request.text);
    };
  };

class ScopeOfFields implements Scope {
  retries = 0;
  isWaiting = false;
  readonly request: Node;

  constructor(request: Node) {
    this.request = request;
  }
}

function scopeWithGetters(request: Node): Scope {
  const state = { retries: 0, waiting: 0, request };
  return {
    get retries() {
      return state.retries;
    },
    get isWaiting() {
      return state.waiting > 0 || state.request.text === '';
    },
  };
}

/** Allocates many long-lived objects, as the start of a gateway does. Then the same code allocates for requests. */
const afterStart = (): Begin => {
  const stays = Array.from({ length: 3_000 }, (_, i) => graph(3, `schema ${i}`));
  return (number) => {
    const request = graph(3, `${number}`);
    return () => {
      if (stays.length === 0) throw new Error(request.text);
    };
  };
};

/** A cache of many megabytes. Each request replaces one entry. */
const withCache = (): Begin => {
  const entries = Array.from({ length: 3_000 }, (_, i) => graph(3, `entry ${i}`));
  return (number) => {
    const request = graph(3, `${number}`);
    entries[number % entries.length] = request;
    return () => undefined;
  };
};

export const TRICKS: readonly Trick[] = [
  {
    name: 'field weak map',
    requests: 15_000,
    variants: {
      trick: () => withTable(fieldWeakMap<object, Node>()),
      plain: () => withTable(new WeakMap<object, Node>()),
    },
  },
  {
    name: 'transient map',
    requests: 15_000,
    variants: {
      trick: () => withMap(new TransientMap<string, Node>()),
      plain: () => withMap(new Map<string, Node>()),
    },
  },
  {
    name: 'call signal',
    requests: 15_000,
    variants: {
      trick: () => withSignals(() => new CallController()),
      plain: () => withSignals(() => new AbortController()),
    },
  },
  {
    name: 'no getters in object literals',
    requests: 15_000,
    variants: {
      trick: () => withScopes((request) => new ScopeOfFields(request)),
      plain: () => withScopes(scopeWithGetters),
    },
  },
  {
    name: '--no-allocation-site-pretenuring',
    flags: ['--no-allocation-site-pretenuring'],
    requests: 15_000,
    variants: { trick: afterStart, plain: afterStart },
  },
  {
    name: '--heap-growing-percent=100',
    flags: ['--heap-growing-percent=100'],
    requests: 15_000,
    variants: { trick: withCache, plain: withCache },
  },
];
