/** A view that returns columns of one table, without computing them. */
export interface SimpleView {
  table: { schema: string | undefined; name: string };
  /** By column of the view: the column of the table. */
  columns: ReadonlyMap<string, string>;
}

const NAME = String.raw`(?:"((?:[^"]|"")+)"|${'`'}((?:[^${'`'}]|${'`'}${'`'})+)${'`'}|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))`;
const ITEM = new RegExp(String.raw`^(?:${NAME}\.)?(?:${NAME}\.)?${NAME}(?:\s+AS\s+${NAME})?$`, 'i');
const FROM = new RegExp(String.raw`^(?:${NAME}\.)?${NAME}(?:\s+(?:AS\s+)?${NAME})?$`, 'i');

/**
 * The table of a view, by the definition as the database prints it. Undefined for a view with joins, groups or a set of several
 * queries: its rows are not those of one table, so no constraint of a table holds for it.
 */
export function simpleView(definition: string): SimpleView | undefined {
  const text = definition.trim().replace(/;$/, '');
  const [, items, rest] = /^select\s+([^]+?)\s+from\s+([^]+)$/i.exec(text) ?? [];
  if (items === undefined || rest === undefined) return undefined;
  const [from = '', condition = ''] = rest.split(/\s+where\s+/i);
  if (
    /\b(union|intersect|except|join|lateral|group\s+by|having|distinct|window|limit|offset|fetch)\b/i.test(
      withoutNames(text),
    )
  )
    return undefined;
  const [, ...found] = FROM.exec(from.trim().replace(/^\((.*)\)$/, '$1')) ?? [];
  if (found.length === 0) return undefined;
  const [schema, table] = [nameIn(found.slice(0, 3)), nameIn(found.slice(3, 6))];
  if (table === undefined || condition.includes(';')) return undefined;
  const columns = new Map<string, string>();
  for (const item of splitItems(items)) {
    const [, ...parts] = ITEM.exec(item.trim()) ?? [];
    const column = nameIn(parts.slice(6, 9));
    if (column === undefined) continue;
    columns.set(nameIn(parts.slice(9, 12)) ?? column, column);
  }
  return { table: { schema, name: table }, columns };
}

function nameIn([double, back, plain]: readonly (string | undefined)[]): string | undefined {
  return double?.replaceAll('""', '"') ?? back?.replaceAll('``', '`') ?? plain;
}

/** The definition without quoted names and texts, so that only words of SQL remain. */
function withoutNames(text: string): string {
  return text.replace(/"(?:[^"]|"")*"|`(?:[^`]|``)*`|'(?:[^']|'')*'/g, '""');
}

/** Splits a list at the commas outside of brackets and quotation marks. */
function splitItems(list: string): string[] {
  const items: string[] = [];
  let item = '';
  let depth = 0;
  for (const [token] of list.matchAll(/"(?:[^"]|"")*"|`(?:[^`]|``)*`|'(?:[^']|'')*'|[^]/g)) {
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (token === ',' && depth === 0) {
      items.push(item);
      item = '';
    } else item += token;
  }
  return [...items, item];
}
