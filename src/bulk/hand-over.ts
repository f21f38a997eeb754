import { isObjectType, Kind, visit, type DocumentNode, type FieldNode, type GraphQLSchema } from 'graphql';
import type { Prepared } from '../operation/prepare.js';
import { selectedFields } from '../selections.js';
import type { BulkOperation } from './bulk-operation.js';
import { runBulk, type BulkOptions, type Row, type RowError } from './run-bulk.js';

/** A stored row, with the key of its customer. */
export interface StoredRow {
  row: Row;
  /** Undefined if the line was invalid. */
  key?: Readonly<Record<string, string>>;
}

/** An operation that reads as little as the check of consent, erasure and identity needs. */
export interface HandOverCheck {
  operation: BulkOperation;
  /** The response names of fields that need consent for a channel of their own, such as e-mail. */
  channelFields: ReadonlySet<string>;
}

/**
 * Derives the check from an operation. It selects `id`, which needs consent for any channel, and the fields of the operation that
 * need consent for one channel.
 */
export function handOverCheck(operation: BulkOperation, schema: GraphQLSchema): HandOverCheck {
  const customer = schema.getType('Customer');
  const fields = isObjectType(customer) ? customer.getFields() : {};
  const hasChannel = ({ name }: FieldNode): boolean =>
    fields[name.value]?.astNode?.directives?.some(
      (directive) =>
        directive.name.value === 'purpose' &&
        directive.arguments?.some((argument) => argument.name.value === 'channel') === true,
    ) === true;
  const { single } = operation;
  const [list] = single.operation.selectionSet.selections;
  const selected =
    list?.kind === Kind.FIELD && list.selectionSet !== undefined
      ? [...selectedFields(list.selectionSet, single.fragments)].filter(hasChannel)
      : [];
  return {
    operation: { ...operation, document: withSelections(operation.document, [ID, ...selected]) },
    channelFields: new Set(selected.map(({ alias, name }) => (alias ?? name).value)),
  };
}

/** An alias that no operation of a project uses, because GraphQL reserves such names for introspection. */
const ID_NAME = '__handOver';
const ID: FieldNode = {
  kind: Kind.FIELD,
  alias: { kind: Kind.NAME, value: ID_NAME },
  name: { kind: Kind.NAME, value: 'id' },
};

/** Replaces what the operation selects of the customer. */
function withSelections(document: DocumentNode, selections: readonly FieldNode[]): DocumentNode {
  let depth = 0;
  return visit(document, {
    Field: {
      enter: (field) => {
        depth += 1;
        return depth === 1 ? { ...field, selectionSet: { kind: Kind.SELECTION_SET, selections } } : undefined;
      },
      leave: () => {
        depth -= 1;
      },
    },
  });
}

export interface HandOverOptions extends Omit<BulkOptions, 'operation' | 'prepared'> {
  check: HandOverCheck & { prepared: Prepared };
  /** The operation whose results are handed over. */
  released: Prepared;
}

/**
 * Checks again for each stored row whether the caller may have it now. A row that is no longer allowed has an error instead of
 * its data. As in a stream, rows that wait long for the client are checked again.
 */
export async function* handOver(rows: readonly StoredRow[], options: HandOverOptions): AsyncGenerator<Row> {
  const { check, released, runner, ...others } = options;
  const checks = runBulk(
    rows.flatMap(({ row, key }) => (key === undefined || row.data === null ? [] : [{ line: row.line, key }])),
    {
      ...others,
      ...check,
      firstSize: Infinity,
      runner: {
        answer: (prepared, request) =>
          runner.answer(prepared, { ...request, wanted: { isFreshOnly: true }, releases: released }),
      },
    },
  );
  for (const { row, key } of rows)
    if (key === undefined || row.data === null) yield row;
    else {
      const next = await checks.next();
      // The client has disconnected. A row that was not checked is not handed over.
      if (next.done === true) return;
      yield checkedRow(row, next.value, check);
    }
}

/** The row, or its withheld form. */
function checkedRow(row: Row, { data, errors = [] }: Row, { operation, channelFields }: HandOverCheck): Row {
  const { line, input, errors: storedErrors = [] } = row;
  const { responseName } = operation;
  // The customer was unknown when it was read, so the row has no data.
  if (row.data?.[responseName] == null) return row;
  const isKnown = ({ path = [], extensions: { code } }: RowError): boolean => {
    const isOfChannel = ({ path: [, field = ''] = [] }: Pick<RowError, 'path'>) =>
      channelFields.has(String(field));
    return storedErrors.some(
      (stored) =>
        stored.extensions['code'] === code &&
        (isOfChannel({ path })
          ? stored.path?.[1] === path[1]
          : code === 'CONSENT_REQUIRED' && !isOfChannel(stored)),
    );
  };
  // What was withheld when the line was read is not in the row.
  const withheld = errors.filter((error) => !isKnown(error));
  if (data?.[responseName] != null && withheld.length === 0) return row;
  const reasons = withheld.length > 0 ? withheld : errors;
  const common = { line, ...(input === undefined ? {} : { input }), data: null };
  if (reasons.length === 0) return { ...common, errors: [UNKNOWN] };
  return {
    ...common,
    errors: reasons.map(({ message, extensions }) => ({ message, path: [responseName], extensions })),
  };
}

const UNKNOWN = {
  message: 'The data is withheld: the customer is no longer known.',
  extensions: { code: 'NO_CUSTOMER' },
};
