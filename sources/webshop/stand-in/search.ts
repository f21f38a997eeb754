import { badRequest } from './vendor-errors.js';

/**
 * Parses Shopify's search syntax: terms joined by AND (the default) or OR, parentheses, `-` or NOT before a
 * term, comparators after a field's name, quotes, and backslash escapes. Like the vendor, it never refuses a
 * text. It ignores terms that it does not support.
 */

export type SearchNode =
  { kind: 'and' | 'or'; nodes: SearchNode[] } | { kind: 'not'; node: SearchNode } | SearchTerm;

export interface SearchTerm {
  kind: 'term';
  /** Undefined: any text of a record. */
  field?: string;
  comparator: Comparator;
  value: string;
  /** A quoted value is one phrase, and `*` in it has no special meaning. */
  quoted: boolean;
}

export type Comparator = '=' | '<' | '<=' | '>' | '>=';

const deepestNesting = 50;

export function parseSearch(text: string): SearchNode {
  let at = 0;

  function parseTerms(depth: number): SearchNode {
    const alternatives: SearchNode[][] = [[]];
    while (at < text.length) {
      if (skip(/\s+/y)) continue;
      if (text[at] === ')') {
        if (depth > 0) break;
        at += 1;
      } else if (skip(/OR(?=[\s(]|$)/y)) {
        alternatives.push([]);
      } else if (!skip(/AND(?=[\s(]|$)/y)) {
        const term = parseTerm(depth);
        if (term) alternatives.at(-1)?.push(term);
      }
    }
    const groups = alternatives.filter((terms) => terms.length > 0).map((terms) => join('and', terms));
    return join('or', groups);
  }

  function parseTerm(depth: number): SearchNode | undefined {
    if (depth > deepestNesting) throw badRequest('The query is nested too deeply.');
    if (skip(/-(?=\S)/y) || skip(/NOT\s+/y)) {
      const node = parseTerm(depth + 1);
      return node && { kind: 'not', node };
    }
    if (skip(/\(/y)) {
      const node = parseTerms(depth + 1);
      skip(/\)/y);
      return node;
    }
    const first = parseValue();
    if (first.quoted || text[at] !== ':') {
      return first.value === '' ? undefined : { kind: 'term', comparator: '=', ...first };
    }
    at += 1;
    // The rest of an unquoted value that contains a colon, such as a time.
    if (first.value === '') return undefined;
    const comparator = parseComparator();
    const value = parseValue();
    if (value.value === '' && !value.quoted) return undefined;
    return { kind: 'term', field: first.value, comparator, ...value };
  }

  function parseComparator(): Comparator {
    for (const comparator of ['<=', '>=', '<', '>'] as const) {
      if (text.startsWith(comparator, at)) {
        at += comparator.length;
        return comparator;
      }
    }
    return '=';
  }

  function parseValue(): { value: string; quoted: boolean } {
    const quote = text[at];
    const quoted = quote === '"' || quote === "'";
    if (quoted) at += 1;
    let value = '';
    for (; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (quoted ? character === quote : /[\s:()]/.test(character)) break;
      if (character === '\\' && at + 1 < text.length) at += 1;
      value += text.charAt(at);
    }
    if (quoted) at += 1;
    return { value, quoted };
  }

  function skip(sticky: RegExp): boolean {
    sticky.lastIndex = at;
    if (!sticky.test(text)) return false;
    at = sticky.lastIndex;
    return true;
  }

  return parseTerms(0);
}

function join(kind: 'and' | 'or', nodes: SearchNode[]): SearchNode {
  const [only] = nodes;
  return only && nodes.length === 1 ? only : { kind, nodes };
}

/** The search as the vendor has parsed it. */
export function describeSearch(node: SearchNode): object {
  switch (node.kind) {
    case 'and':
    case 'or':
      return { [node.kind]: node.nodes.map(describeSearch) };
    case 'not':
      return { not: describeSearch(node.node) };
    case 'term':
      return { field: node.field ?? 'default', ...describeMatch(node) };
  }
}

const rangeNames = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' };

function describeMatch({ comparator, value, quoted }: SearchTerm): object {
  if (comparator !== '=') return { range: { [rangeNames[comparator]]: value } };
  if (quoted) return { match_phrase: value };
  return value === '*' ? { exists: true } : { match_all: value };
}
