/** The tables that a statement reads, without its own `WITH` names and functions. */
export function tablesIn(statement: string): string[] {
  const own = new Set(
    [...statement.matchAll(/\b(\w+)\s+AS\s*(?:MATERIALIZED\s*)?\(/gi)].map(([, name]) => name),
  );
  const read = [...statement.matchAll(/\b(?:FROM|JOIN)\s+([A-Za-z_][\w.]*)(?![\w.]|\s*\()/gi)];
  return [...new Set(read.flatMap(([, name = '']) => (own.has(name) ? [] : [name])))];
}

/**
 * The table or column that a database rejects. Its message may quote values, so only a name that stands in our statement
 * is returned.
 */
export function nameIn(message: string, statement: string): string | undefined {
  const tables = new Set(tablesIn(statement));
  // MariaDB quotes the database and the table of `shop`.`orders` each by itself.
  const text = message.replaceAll('`.`', '.');
  const words = text.match(/[A-Za-z_][\w.]*/g) ?? [];
  const quoted = [...text.matchAll(/["'`]([A-Za-z_][\w.]*)["'`]|\bcolumn (\w+(?:\.\w+)?)/g)].map(
    ([, name, column]) => name ?? column ?? '',
  );
  const isOurs = (name: string) =>
    new RegExp(`(?<!\\w)${name.replaceAll('.', '\\.')}(?!\\w)`).test(statement);
  return (
    quoted.find((name) => name.includes('.') && isOurs(name)) ??
    quoted.flatMap((name) => name.split('.').reverse()).find(isOurs) ??
    words.flatMap((word) => [word, ...word.split('.')]).find((word) => tables.has(word))
  );
}
