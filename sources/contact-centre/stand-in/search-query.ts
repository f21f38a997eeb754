/** One condition of a Zendesk search: `email:a@x.nl`, `-status:closed`, `"van der Berg"` (no property). */
interface SearchTerm {
  /** Undefined for bare words. */
  property: string | undefined;
  value: string;
}

export interface SearchRange {
  property: string;
  operator: '<' | '<=' | '>' | '>=';
  value: string;
}

/** The conditions of a search. One of the values of a property must match; all properties must match. */
export interface SearchQuery {
  wanted: ReadonlyMap<string, readonly string[]>;
  unwanted: readonly SearchTerm[];
  /** Terms such as `created>=2026-01-01`. All must hold. */
  ranges: readonly SearchRange[];
  /** Bare words and phrases; all must be found somewhere in the record. */
  words: readonly string[];
}

// A term is an optional minus, an optional property, and a value that is quoted or ends at the next blank.
const termPattern = /(-?)(?:([a-z_]+)(:|[<>]=?))?(?:"([^"]*)"|(\S+))/gi;

/** Several terms with the same property mean "or", as in Zendesk Support's search reference. */
export function parseSearchQuery(text: string): SearchQuery {
  const wanted = new Map<string, string[]>();
  const unwanted: SearchTerm[] = [];
  const words: string[] = [];
  const ranges: SearchRange[] = [];
  for (const [, minus, name, operator, quoted, plain] of text.matchAll(termPattern)) {
    const property = name?.toLowerCase();
    const value = (quoted ?? plain ?? '').toLowerCase();
    if (
      property !== undefined &&
      (operator === '<' || operator === '<=' || operator === '>' || operator === '>=')
    ) {
      ranges.push({ property, operator, value });
    } else if (minus === '-') {
      unwanted.push({ property, value });
    } else if (property === undefined) {
      words.push(value);
    } else {
      const values = wanted.get(property);
      if (values === undefined) wanted.set(property, [value]);
      else values.push(value);
    }
  }
  return { wanted, unwanted, ranges, words };
}
