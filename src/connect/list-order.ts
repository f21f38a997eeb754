import type { DraftField } from './draft.js';

/**
 * The order of a list: by time, the newest first, and then by a field that is unique in it. `id` is the path
 * of the id.
 */
export function listOrderOf(
  id: string | undefined,
  fields: readonly DraftField[],
): readonly [string, string] | undefined {
  const single = fields.filter(({ isList, call }) => !isList && call === undefined);
  const unique =
    single.find(({ from }) => from === id) ??
    single.find(
      ({ type, name }) => /^(ID|String)$/.test(type) && /^(number|code|reference|name)$/i.test(name),
    );
  if (unique === undefined || !/^(ID|String)$/.test(unique.type)) return undefined;
  const moments = single.filter(({ type }) => /^(Date|DateTime)$/.test(type));
  const moment =
    moments.find(({ name }) => /^(placed|ordered|created|started|processed|bought|date)/i.test(name)) ??
    moments[0];
  return moment === undefined ? [unique.name, unique.name] : [`-${moment.name}`, unique.name];
}
