import { Refusal } from './answers.js';
import type { Value } from './objects.js';

/** A parsed query in SOQL: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/ */
export interface Query {
  /** Paths of fields, such as `Account.Name`. Empty for `COUNT()`. */
  fields: string[];
  /** The subqueries, by relationship. */
  subqueries: Query[];
  /** The name of an object, or in a subquery of a relationship. */
  from: string;
  where: Condition | undefined;
  orderBy: { path: string; isDescending: boolean }[];
  limit: number | undefined;
}

export type Condition =
  | { kind: 'and' | 'or'; parts: Condition[] }
  | { kind: 'in'; path: string; values: Value[]; isNot: boolean }
  /** Salesforce's comparisons of texts ignore case, but those of ids do not. */
  | { kind: 'range'; path: string; operator: '<' | '<=' | '>' | '>='; value: Value }
  /** A semi-join, such as `Id IN (SELECT ContactId FROM Case)`. */
  | { kind: 'joined'; path: string; by: Query; isNot: boolean }
  | { kind: 'like'; path: string; pattern: RegExp };

/** A quoted text is one token. */
const TOKEN = /\s+|'(?:[^'\\]|\\.)*'|[(),]|!=|<>|[<>]=|[=<>]|[\w.:+-]+/sy;

/** The characters that may follow a backslash in a text, and their meaning. */
const ESCAPED: Record<string, string> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  '"': '"',
  "'": "'",
  '\\': '\\',
};

/** Throws a Refusal if the text is not a query. */
export function parseSoql(text: string): Query {
  const tokens = tokenise(text);
  let place = 0;
  const peek = (): string => tokens[place] ?? '';
  const isWord = (word: string): boolean => peek().toUpperCase() === word;
  const fail = (): never => {
    throw malformed(`unexpected token: '${peek() === '' ? '<EOF>' : peek()}'`);
  };
  const take = (): string => {
    const token = peek();
    if (token === '') fail();
    place += 1;
    return token;
  };
  const accept = (word: string): boolean => {
    if (!isWord(word)) return false;
    place += 1;
    return true;
  };
  const expect = (word: string): void => {
    if (!accept(word)) fail();
  };
  const name = (): string => (/^[A-Za-z][\w.]*$/.test(peek()) ? take() : fail());

  const query = (): Query => {
    expect('SELECT');
    const isCount = accept('COUNT');
    const found: Query = {
      fields: [],
      subqueries: [],
      from: '',
      where: undefined,
      orderBy: [],
      limit: undefined,
    };
    if (isCount) {
      expect('(');
      expect(')');
    } else
      do {
        if (accept('(')) {
          found.subqueries.push(query());
          expect(')');
        } else found.fields.push(name());
      } while (accept(','));
    expect('FROM');
    found.from = name();
    if (accept('WHERE')) found.where = condition();
    if (accept('ORDER')) {
      expect('BY');
      do {
        const path = name();
        const isDescending = accept('DESC');
        if (!isDescending) accept('ASC');
        found.orderBy.push({ path, isDescending });
      } while (accept(','));
    }
    if (accept('LIMIT')) {
      if (!/^\d{1,6}$/.test(peek())) fail();
      found.limit = Number(take());
    }
    return found;
  };

  /** Salesforce refuses a mix of AND and OR without parentheses. */
  const condition = (): Condition => {
    const parts = [part()];
    const kind = isWord('AND') ? 'and' : 'or';
    while (accept(kind === 'and' ? 'AND' : 'OR')) parts.push(part());
    if (isWord('AND') || isWord('OR')) fail();
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind, parts };
  };
  const part = (): Condition => {
    if (accept('(')) {
      const inner = condition();
      expect(')');
      return inner;
    }
    const path = name();
    if (accept('=')) return { kind: 'in', path, values: [literal()], isNot: false };
    if (accept('!=') || accept('<>')) return { kind: 'in', path, values: [literal()], isNot: true };
    const operator = (['<', '<=', '>', '>='] as const).find(accept);
    if (operator !== undefined) return { kind: 'range', path, operator, value: literal() };
    if (accept('LIKE')) return { kind: 'like', path, pattern: likePattern(take()) };
    const isNot = accept('NOT');
    expect('IN');
    expect('(');
    if (isWord('SELECT')) {
      const by = query();
      expect(')');
      return { kind: 'joined', path, by, isNot };
    }
    const values: Value[] = [];
    do values.push(literal());
    while (accept(','));
    expect(')');
    return { kind: 'in', path, values, isNot };
  };
  const literal = (): Value => {
    const token = take();
    if (token.startsWith("'")) return unescaped(token.slice(1, -1));
    if (/^-?\d+(\.\d+)?$/.test(token)) return Number(token);
    if (/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(token)) return new Date(token).toISOString();
    const word = token.toLowerCase();
    if (word === 'null') return null;
    if (word === 'true' || word === 'false') return word === 'true';
    throw malformed(`unexpected token: '${token}'`);
  };

  const whole = query();
  if (place < tokens.length) fail();
  return whole;
}

function tokenise(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const [token] = TOKEN.exec(text) ?? [];
    if (token === undefined)
      throw malformed(`line 1:${at} no viable alternative at character '${text[at] ?? ''}'`);
    if (token.trim() !== '') tokens.push(token);
  }
  return tokens;
}

/** `%` stands for any characters and `_` for one, unless a backslash is before them. Case is ignored. */
function likePattern(token: string): RegExp {
  if (!token.startsWith("'")) throw malformed(`unexpected token: '${token}'`);
  const parts = Array.from(token.slice(1, -1).matchAll(/\\?./gsu), ([part]) => {
    if (part === '%') return '.*';
    if (part === '_') return '.';
    const character = part === '\\%' || part === '\\_' ? part.slice(1) : unescaped(part);
    return character.replaceAll(/[^\p{L}\p{N}]/gu, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 'is');
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (all, character: string) => {
    const meant = ESCAPED[character];
    if (meant === undefined)
      throw malformed(`Invalid string literal. Illegal character sequence '${all}' in string literal.`);
    return meant;
  });
}

function malformed(message: string): Refusal {
  return new Refusal('MALFORMED_QUERY', message);
}
