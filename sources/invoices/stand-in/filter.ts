import { badRequest, notImitated, Refusal } from './answers.js';
import type { FieldType, Row } from './records.js';

type Test = (row: Row) => boolean;

interface FilterOptions {
  /**
   * The fields that a filter may have. Other fields are computed when a record is read, so they cannot be
   * filtered.
   */
  filterable: Readonly<Record<string, FieldType>>;
  /** The operator `in` requires schema version 2.1. */
  knowsIn: boolean;
}

/** The parts that a filter may have. Clients observed that each comparison with its `or` counts as five. */
const mostNodes = 100;

// A text, a word (number, date, GUID, name), or a mark.
const tokenPattern = /\s*(?:('(?:[^']|'')*')|([\w.:+-]+)|([(),]))/y;

/**
 * Parses the part of `$filter` that Business Central supports: comparisons and lists of values, with `and`
 * and `or`, but no `or` between different fields.
 */
export function parseFilter(text: string, { filterable, knowsIn }: FilterOptions): Test {
  const tokens = tokensOf(text);
  let at = 0;
  let nodes = 0;
  const next = (): string => tokens[at++] ?? syntaxError(at);
  const expect = (token: string): void => {
    if (next() !== token) syntaxError(at);
  };
  const peekIs = (word: string): boolean => tokens[at]?.toLowerCase() === word;

  const either = (): { test: Test; fields: Set<string> } => {
    let left = both();
    while (peekIs('or')) {
      at += 1;
      nodes += 1;
      const [first, second] = [left, both()];
      const fields = new Set([...first.fields, ...second.fields]);
      if (fields.size > 1)
        throw new Refusal(
          badRequest("The 'OR' operator is not supported on distinct fields on an OData filter."),
        );
      left = { test: (row) => first.test(row) || second.test(row), fields };
    }
    return left;
  };
  const both = (): { test: Test; fields: Set<string> } => {
    let left = single();
    while (peekIs('and')) {
      at += 1;
      nodes += 1;
      const [first, second] = [left, single()];
      left = {
        test: (row) => first.test(row) && second.test(row),
        fields: new Set([...first.fields, ...second.fields]),
      };
    }
    return left;
  };
  const single = (): { test: Test; fields: Set<string> } => {
    if (peekIs('(')) {
      at += 1;
      const inner = either();
      expect(')');
      return inner;
    }
    const field = next();
    if (peekIs('(')) throw new Refusal(notImitated(`the function ${field}`));
    const type = filterable[field];
    if (type === undefined) throw new Refusal(badRequest(`The field '${field}' cannot be filtered by.`));
    const fields = new Set([field]);
    const valueOf = (row: Row) => comparable(type, row[field] ?? '');
    const operator = next().toLowerCase();
    nodes += 4;
    if (operator === 'in') {
      if (!knowsIn) throw new Refusal(badRequest("The 'In' operator is not supported."));
      const values = new Set<string>();
      do {
        expect(values.size === 0 ? '(' : ',');
        values.add(comparable(type, literalOf(type, next())));
      } while (peekIs(','));
      expect(')');
      return { test: (row) => values.has(valueOf(row)), fields };
    }
    const wanted = comparable(type, literalOf(type, next()));
    const compare = comparisons[operator] ?? syntaxError(at);
    return { test: (row) => compare(valueOf(row), wanted), fields };
  };

  const { test } = either();
  if (at !== tokens.length) syntaxError(at);
  if (nodes > mostNodes)
    throw new Refusal(
      badRequest(
        `The node count limit of '${mostNodes}' has been exceeded. To increase the limit, set the 'MaxNodeCount' property on EnableQueryAttribute or ODataValidationSettings.`,
      ),
    );
  return test;
}

const comparisons: Record<string, (a: string, b: string) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
};

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < end) {
    const found = tokenPattern.exec(text) ?? syntaxError(tokens.length);
    tokens.push(found[1] ?? found[2] ?? found[3] ?? '');
  }
  return tokens;
}

function literalOf(type: FieldType, token: string): string {
  const isText = token.startsWith("'");
  if (type === 'date' ? !/^\d{4}-\d\d-\d\d$/.test(token) : !isText) return syntaxError(0);
  return isText ? token.slice(1, -1).replaceAll("''", "'") : token;
}

/** Codes are stored in capitals and found in any case. Other texts are found only in the stored case. */
function comparable(type: FieldType, value: string): string {
  return type === 'code' ? value.toUpperCase() : value;
}

function syntaxError(position: number): never {
  throw new Refusal(badRequest(`Syntax error at position ${position} in the filter.`));
}
