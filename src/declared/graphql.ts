import { z } from 'zod';
import { graphql, type GraphqlClient } from '../connectors/graphql/client.js';
import { pointLimits } from '../connectors/graphql/points.js';
import { pagesOfEach } from '../connectors/paging.js';
import type { CallRequest, CompileContext, ConnectorKind } from './connector-kind.js';
import { compileAnswer, type RowsPage } from './graphql-answer.js';
import {
  addPath,
  compileField,
  compileSelect,
  printSelection,
  type Selection,
  type VendorField,
} from './graphql-field.js';
import { graphqlCall, graphqlConnect, type GraphqlCall, type GraphqlConnect } from './graphql-grammar.js';
import { httpOptions } from './http-auth.js';
import { Mismatch, type Read } from './path.js';
import { readerOf } from './text-value.js';

/** Sources that speak GraphQL. */
export const graphqlKind: ConnectorKind<
  GraphqlConnect,
  GraphqlCall,
  GraphqlClient,
  CallRequest<GraphqlClient>
> = {
  connect: graphqlConnect,
  call: graphqlCall,
  compileConnector: ({ graphql: address, auth, headers, ca, errors = {}, points }, context, exactNumbers) => {
    const { baseUrl: url, ...options } = httpOptions(address, { auth, headers, ca });
    return graphql({
      ...{ url, ...options, exactNumbers, errorKinds: errors },
      ...(points === undefined ? {} : limitsOf(points, errors, context)),
    });
  },
  compileCall,
};

/** The limits of a system whose answers have points at these paths. */
function limitsOf(
  points: NonNullable<GraphqlConnect['points']>,
  errors: NonNullable<GraphqlConnect['errors']>,
  { place, report }: CompileContext,
): ReturnType<typeof pointLimits> {
  const at = [...place, 'points'];
  const [cost, available, perSecond] = (['cost', 'available', 'perSecond'] as const).map((member) =>
    readerOf(points[member], [...at, member], report),
  ) as [Read, Read, Read];
  const codes = new Set(Object.keys(errors).filter((code) => errors[code] === 'rate-limited'));
  if (codes.size === 0)
    report(
      at,
      'No code of an error means that the points are used up.',
      'Add it: errors: { THROTTLED: rate-limited }.',
    );
  return pointLimits(codes, (extensions) => {
    try {
      return anyPoints.safeParse({
        cost: cost(extensions),
        available: available(extensions),
        perSecond: perSecond(extensions),
      }).data;
    } catch (error) {
      // The points of an answer of another shape are unknown.
      if (error instanceof Mismatch) return undefined;
      throw error;
    }
  });
}

/** A number with many digits is read as text. */
const pointNumber = z.union([z.number(), z.string().transform(Number).pipe(z.number())]);
const anyPoints = z.object({
  cost: pointNumber,
  available: pointNumber,
  perSecond: pointNumber.pipe(z.number().positive()),
});

/** The most fields with an alias in one call, unless the declaration has another number. */
const MAX_ALIASES = 20;

/** Whether a key is a whole number of 32 bits, as `Int` is. */
function isInt(key: string): boolean {
  return /^(0|-?[1-9]\d{0,9})$/.test(key) && Number(key) === (Number(key) | 0);
}

/** A list that is read: for one key, or for all keys of a batch. */
interface OpenList {
  key: readonly string[];
  /** The cursor of the page. */
  at: string | undefined;
}

function compileCall(call: GraphqlCall, context: CompileContext): CallRequest<GraphqlClient> {
  const { source, place, report } = context;
  const { keys: keyType = 'ID', page, select } = call;
  const field = compileField(call.field, context);
  const takesKeys = field.variables.has('keys');
  checkVariables(field, page, context);
  const answer = compileAnswer(call, field, context);
  const explicit = select === undefined ? undefined : compileSelect(select, context);
  let documentOf: (count: number) => string = () => '';
  const reads = (paths: readonly string[]): void => {
    explicit?.check(paths);
    const row: Selection = new Map();
    if (explicit !== undefined) row.set(explicit.text, new Map());
    else for (const path of paths) addPath(row, path, context);
    if (row.size === 0)
      report(place, 'The call reads no field of a row.', 'Map a field to one, or add select: { id }.');
    documentOf = documentsOf(field, keyType, printSelection(answer.selectionOf(row)));
  };
  const valueOf = (key: string): string | number => (keyType === 'Int' ? Number(key) : key);
  const readPages = async (
    lists: readonly OpenList[],
    client: GraphqlClient,
  ): Promise<(RowsPage | Error)[]> => {
    const variables = lists.flatMap(({ key, at }, i): [string, unknown][] => [
      takesKeys ? [`keys${i}`, key.map(valueOf)] : [`key${i}`, valueOf(key[0] ?? '')],
      // An argument without a value is left out.
      ...(at === undefined ? [] : [[`after${i}`, at] as [string, unknown]]),
    ]);
    const found = await client.query(documentOf(lists.length), Object.fromEntries(variables));
    return answer.pagesIn(found, lists.length);
  };
  const readLists = async (keys: readonly (readonly string[])[], client: GraphqlClient) => {
    const lists = await pagesOfEach(keys, {
      source,
      what: 'items of one list',
      ...page,
      read: (open: readonly OpenList[]) => readPages(open, client),
      items: ({ rows }: RowsPage) => rows,
      next: ({ next }) => next,
    });
    return lists.map((list) => (list instanceof Error ? list : list.items.slice(0, page?.maxItems)));
  };
  const base = {
    rowsPlace: answer.rowsPlace,
    canSend: (key: string) => key !== '' && !/\p{Surrogate}/u.test(key) && (keyType !== 'Int' || isInt(key)),
    acceptsPart: page?.acceptPart ?? false,
    reads,
  };
  if (!takesKeys)
    return {
      ...base,
      takes: 'each',
      maxBatch: MAX_ALIASES,
      rowsOfEach: (keys, client) =>
        readLists(
          keys.map((key) => [key]),
          client,
        ),
    };
  return {
    ...base,
    takes: 'keys',
    rows: async (keys, client) => {
      const [rows = []] = await readLists([keys], client);
      if (rows instanceof Error) throw rows;
      return rows;
    },
  };
}

function checkVariables(
  { names, variables }: VendorField,
  page: GraphqlCall['page'],
  { place, report }: CompileContext,
): void {
  if (names.length === 0) return;
  if (variables.has('keys') === variables.has('key'))
    report(
      [...place, 'field'],
      variables.has('key')
        ? 'The call sends both $key and $keys.'
        : 'The call must send $key, or the keys of a batch.',
      'Write one of them as an argument: $key if the field takes one key, or $keys if it takes a list.',
    );
  if (variables.has('after') && page === undefined)
    report(
      [...place, 'field'],
      'The call sends $after, and has no pages.',
      'Add page: { maxItems: 200 }, the bound of the list.',
    );
  if (!variables.has('after') && page !== undefined)
    report(
      [...place, 'page'],
      'The pages have no position.',
      'Write $after as an argument of the field, such as orders(customer: $key, first: 50, after: $after).',
    );
}

/** Makes the operation with a number of fields. Each has an alias, and its variables end with the number of the alias. */
function documentsOf(field: VendorField, keyType: string, selection: string): (count: number) => string {
  const types = [
    ['key', `${keyType}!`],
    ['keys', `[${keyType}!]!`],
    ['after', 'String'],
  ].filter(([name = '']) => field.variables.has(name));
  const known = new Map<number, string>();
  return (count) => {
    let document = known.get(count);
    if (document === undefined) {
      const numbers = Array.from({ length: count }, (_, i) => i);
      const declared = numbers.flatMap((i) => types.map(([name = '', type = '']) => `$${name}${i}:${type}`));
      const fields = numbers.map((i) => {
        const chain = field.texts.map((text) => text.replace(/\$(?:keys?|after)\b/g, `$&${i}`));
        return `k${i}:${[...chain, selection].join('{')}${'}'.repeat(chain.length)}`;
      });
      document = `query(${declared.join(',')}){${fields.join(' ')}}`;
      known.set(count, document);
    }
    return document;
  };
}
