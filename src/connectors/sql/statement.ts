/** The tables that a statement reads, without `WITH` names and functions. */
export function tablesIn(text: string): string[] {
  const statement = unquoted(text);
  const withNames = new Set(
    [...statement.matchAll(/\b(\w+)\s+AS\s*(?:MATERIALIZED\s*)?\(/gi)].map(([, name]) => name),
  );
  const read = [...statement.matchAll(/\b(?:FROM|JOIN)\s+([A-Za-z_][\w.]*)(?![\w.]|\s*\()/gi)];
  return [...new Set(read.flatMap(([, name = '']) => (withNames.has(name) ? [] : [name])))];
}

/**
 * The table or column that a database rejects. Its message may quote values, so a name is returned only if the
 * statement contains it.
 */
export function nameIn(message: string, sent: string): string | undefined {
  const statement = unquoted(sent);
  const tables = new Set(tablesIn(statement));
  // MariaDB quotes database and table separately: `shop`.`orders`.
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

/** The statement with its quoted names as plain ones. */
function unquoted(statement: string): string {
  return statement.replaceAll('"', '');
}
