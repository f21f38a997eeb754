import { stringify } from 'yaml';
import type { Decisions, Draft } from '../draft.js';

/** PLACEHOLDER */
export function writeDeclaration(draft: Draft, decisions: Decisions): string {
  const fields: Record<string, unknown> = {};
  const main = draft.source.replace(/-(.)/g, (_, c: string) => c.toUpperCase());
  fields[`Customer.${main}`] = { call: decisions.foundBy[decisions.recordKey]?.call };
  for (const type of [draft.customer, ...Object.values(draft.types)])
    for (const field of type.fields) {
      const of = `${type.name}.${field.name}`;
      if ('leftOutBecause' in (decisions.privacy[of] ?? {})) continue;
      if (field.call !== undefined)
        fields[of] = { call: field.call.name, key: field.call.key, ...(field.call.order ? { order: field.call.order } : {}) };
      else if (field.from !== field.name || field.conversion !== undefined)
        fields[of] = { from: field.from, ...field.conversion };
    }
  return stringify({
    source: draft.source,
    connect: draft.connect,
    ...(draft.limits === undefined ? {} : { limits: draft.limits }),
    ...(Object.keys(decisions.namespaces).length > 0 ? { namespaces: decisions.namespaces } : {}),
    identity: {
      recordKey: decisions.recordKey,
      id: draft.customer.id,
      foundBy: decisions.foundBy,
      yields: Object.fromEntries(Object.entries(decisions.yields).map(([n, { path, kind }]) => [n, { [kind]: path }])),
      ...(decisions.name.length > 0 ? { profile: { name: decisions.name } } : {}),
    },
    calls: Object.fromEntries(Object.entries(draft.calls).map(([n, { call }]) => [n, call])),
    fields,
  });
}
