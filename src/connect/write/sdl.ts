import type { Decisions, Draft, DraftField } from '../draft.js';

/** PLACEHOLDER */
export function writeSdl(draft: Draft, decisions: Decisions): string {
  const main = draft.source.replace(/-(.)/g, (_, c: string) => c.toUpperCase());
  const enums: string[] = [];
  const typeOf = (owner: string, field: DraftField): string => {
    let type = field.type;
    if (type === 'Enum') {
      type = `${owner}${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}`;
      enums.push(`"E."\nenum ${type} {\n${(field.values ?? []).map((v) => `"V." ${v}`).join('\n')}\n}\n`);
    }
    if (field.call?.order !== undefined) return `${type}Connection`;
    return field.isList ? `[${type}!]` : type;
  };
  const types = [draft.customer, ...Object.values(draft.types)].map(
    (type) =>
      `"T."\ntype ${type.name} @personalData(category: TRAIT) {\n${type.fields
        .filter(({ name }) => !('leftOutBecause' in (decisions.privacy[`${type.name}.${name}`] ?? {})))
        .map(
          (f) =>
            `  "F."\n  ${f.name}${f.call?.order ? '("N" first: Int! = 10 "A" after: String)' : ''}: ${typeOf(type.name, f)}`,
        )
        .join('\n')}\n}\n`,
  );
  return `type Customer {\n  "C."\n  ${main}: ${draft.customer.name} @personalData(category: TRAIT) @requiresScopes(scopes: [["profile:read"]])\n}\n\n${types.join('\n')}\n${enums.join('\n')}`;
}
