import type { QueryValue } from '../../declared/rest-grammar.js';
import { keyKindOfName } from '../words.js';
import type { Operation } from './description.js';
import { keyPathIn } from './records.js';
import { shapeAt, type Shape } from './shape.js';

/** Recognises parameters and members that are keys of a person. */

/** How a call takes its keys. */
export interface SentKey {
  /** The parameter or the member that takes the key. */
  parameter: string;
  kind: string;
  keyPath: string;
  takes: 'key' | 'keys';
  path?: string;
  query?: Readonly<Record<string, QueryValue>>;
  body?: unknown;
  isSearch?: boolean;
  declaredMax?: number;
}

export interface KeyContext {
  operation: Operation;
  record: Shape;
  thing: string;
  isList: boolean;
}

/** The kind of a key and its path in the record, by the name of the parameter. */
export function keyOf(
  parameter: string,
  { record, thing }: Pick<KeyContext, 'record' | 'thing'>,
): { kind: string; keyPath: string } | undefined {
  const name =
    parameter
      .replaceAll(/\[\]$/g, '')
      .split(/[[\]]+/)
      .filter((part) => part !== '' && !/^(filter|where|q|eq|in)$/i.test(part))
      .at(-1) ?? parameter;
  const kind = keyKindOfName(name, thing);
  if (kind === undefined || isOfOther(kind)) return undefined;
  const keyPath = keyPathIn(record, kind, name, thing);
  return keyPath === undefined ? undefined : { kind, keyPath };
}

/** Whether a key identifies something else, such as a group or a country that many persons have in common. */
function isOfOther(kind: string): boolean {
  if (
    /^(country|currency|language|locale|state|region|postal|zip|status|type|discount|coupon|housenumber|street|time|dial|area)/i.test(
      kind,
    )
  )
    return true;
  return (
    /(Id|Uuid|Guid)$/.test(kind) &&
    !/^(external|legacy|customer|client|user|member|contact|person|account|relation|debtor|buyer|profile|subscriber|patient|old|crm|erp|foreign)/.test(
      kind,
    )
  );
}

/** A maximum in a description, such as "up to 100 ids". */
export function maximumIn(description: string): number | undefined {
  const [, digits] =
    /(?:up to|maximum(?: of)?|max\.?|at most|no more than|limit(?:ed)?(?: is| of| to)?)\s+(\d{1,4})\b/i.exec(
      description,
    ) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** The members of a record that are keys, one for each kind. */
export function keyMembers(record: Shape, thing: string): { name: string; kind: string; keyPath: string }[] {
  const found = new Map<string, { name: string; kind: string; keyPath: string }>();
  for (const { name, shape } of record.members()) {
    const kind = keyKindOfName(name, thing);
    if (
      kind === undefined ||
      isOfOther(kind) ||
      !/^(text|integer|unknown)$/.test(shape.kind) ||
      found.has(kind)
    )
      continue;
    const keyPath = keyPathIn(record, kind, name, thing);
    if (keyPath !== undefined && shapeAt(record, [name]) !== undefined)
      found.set(kind, { name, kind, keyPath });
  }
  return [...found.values()];
}
