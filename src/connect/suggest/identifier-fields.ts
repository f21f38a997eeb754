import type { Namespace } from '../../identity/declaration.js';
import { commonNamespaces, normalise } from '../../identity/identifiers.js';
import { nationalNumber } from './bsn.js';
import {
  EMAIL_HASH_NAME,
  EMAIL_NAME,
  FACEBOOK_NAME,
  FAX_NAME,
  KVK_NAME,
  OF_OTHERS,
  PHONE_NAME,
  VAT_NAME,
  VISITOR_NAME,
  X_NAME,
} from './names.js';
import { shareOf, type RecordField } from './record-fields.js';

/** Numbers without a country code are Dutch, the gateway's default. */
const COMMON = new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace]));

/** A column with a lower share has another kind of values. */
const MIN_SHARE = 0.8;
/** With fewer distinct values, they belong to the organisation or to groups of people. */
const MIN_DISTINCT = 0.5;

/** A field that holds identifiers of a namespace. */
export interface IdentifierField {
  namespace: Namespace;
  record: RecordField;
  /** The share of the samples that are identifiers of the namespace. */
  share: number;
  /** The identifiers in canonical form, each once. */
  values: readonly string[];
  /** The number of samples that repeat another one. */
  repeated: number;
  isNamed: boolean;
}

interface Rule {
  name: RegExp;
  /** The minimum share of identifiers in a field with a matching name. */
  minNamed: number;
  /** Whether values alone show the namespace. Otherwise the name must match too. */
  isShownBy?: (texts: readonly string[]) => boolean;
}

const looksLikePhone = (text: string): boolean =>
  /^(?:\+|0|\()/.test(text) && !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) && text.replace(/\D/g, '').length >= 9;

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['email', { name: EMAIL_NAME, minNamed: 0.3, isShownBy: () => true }],
  // A number without a country code is often from another country, so few of them may be valid.
  ['phone', { name: PHONE_NAME, minNamed: 0.1, isShownBy: (texts) => texts.every(looksLikePhone) }],
  ['kvkNumber', { name: KVK_NAME, minNamed: MIN_SHARE }],
  ['vatNumber', { name: VAT_NAME, minNamed: 0.3, isShownBy: (texts) => texts.length >= 3 }],
  ['emailHash', { name: EMAIL_HASH_NAME, minNamed: MIN_SHARE }],
  ['visitorId', { name: VISITOR_NAME, minNamed: MIN_SHARE }],
  ['xUsername', { name: X_NAME, minNamed: MIN_SHARE }],
  ['facebookUserId', { name: FACEBOOK_NAME, minNamed: MIN_SHARE }],
]);

/**
 * The identifiers in a field, by its values and its name, the most certain first. Empty if it has none of a
 * common namespace.
 */
export function identifiersIn(record: RecordField): IdentifierField[] {
  const { pathName, name, values, field } = record;
  if (OF_OTHERS.test(pathName) || FAX_NAME.test(name)) return [];
  if (/^(Boolean|Date|DateTime|Money|Decimal|Float|Enum)$/.test(field.type)) return [];
  if (nationalNumber(name, values) !== 'no') return [];
  return [...RULES].flatMap(([of, { name: names, minNamed, isShownBy }]) => {
    const namespace = COMMON.get(of);
    if (namespace === undefined) return [];
    const isNamed = names.test(name) || names.test(pathName);
    const identifiers = identifiersOf(namespace, record);
    const { share, repeated, values: canonical } = identifiers;
    const isShown = share >= MIN_SHARE && isShownBy?.(values.texts) === true;
    const isEnough = values.texts.length === 0 ? isNamed && names.test(name) : isNamed && share >= minNamed;
    if (!isShown && !isEnough) return [];
    const isOfGroups =
      values.texts.length >= 4 && canonical.length / (canonical.length + repeated) < MIN_DISTINCT;
    return isOfGroups ? [] : [{ ...identifiers, isNamed }];
  });
}

/** The identifiers of a namespace in a field. */
export function identifiersOf(namespace: Namespace, record: RecordField): Omit<IdentifierField, 'isNamed'> {
  const { texts } = record.values;
  const canonical = texts.flatMap((text) => normalise(namespace, text)?.value ?? []);
  const values = [...new Set(canonical)];
  return {
    ...{ namespace, record, values },
    share: shareOf(texts, (text) => normalise(namespace, text) !== null),
    repeated: canonical.length - values.length,
  };
}

/** Sorts fields of one namespace: the best identifier of a record is first. */
export function compareFields(a: IdentifierField, b: IdentifierField): number {
  const rank = ({ record, isNamed, values }: IdentifierField) => [
    record.isInList ? 1 : 0,
    values.length === 0 ? 1 : 0,
    isNamed ? 0 : 1,
    // An address for invoices may belong to another person.
    /_(?:billing|shipping|invoice|delivery|factuur|bezorg|rechnungs?|liefer|livraison|facturation|secondary|alternative|other|previous|old|work|second|2)_/.test(
      record.pathName,
    )
      ? 1
      : 0,
    -record.values.texts.length,
    record.depth,
  ];
  const other = rank(b);
  return rank(a).reduce((result, value, i) => result || value - (other[i] ?? 0), 0);
}
