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

/** Numbers without a country are Dutch, as in the gateway by default. */
const COMMON = new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace]));

/** A column with more other values is of another kind. */
const MIN_SHARE = 0.8;
/** Values that repeat more often belong to the organisation, or to groups of people. */
const MIN_DISTINCT = 0.5;

/** A field that holds identifiers of a namespace. */
export interface IdentifierField {
  namespace: Namespace;
  record: RecordField;
  /** The share of the samples that are such identifiers. */
  share: number;
  /** The identifiers in canonical form, each once. */
  values: readonly string[];
  /** How many samples repeat another one. */
  repeated: number;
  isNamed: boolean;
}

interface Rule {
  name: RegExp;
  /** The share of identifiers that a field with the name needs. */
  minNamed: number;
  /** Whether values alone show the namespace; if not, the name has to say it too. */
  isShownBy?: (texts: readonly string[]) => boolean;
}

const looksLikePhone = (text: string): boolean =>
  /^(?:\+|0|\()/.test(text) && !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) && text.replace(/\D/g, '').length >= 9;

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['email', { name: EMAIL_NAME, minNamed: 0.3, isShownBy: () => true }],
  // A number without its country is often of another one, so few of them may be valid.
  ['phone', { name: PHONE_NAME, minNamed: 0.1, isShownBy: (texts) => texts.every(looksLikePhone) }],
  ['kvkNumber', { name: KVK_NAME, minNamed: MIN_SHARE }],
  ['vatNumber', { name: VAT_NAME, minNamed: 0.3, isShownBy: (texts) => texts.length >= 3 }],
  ['emailHash', { name: EMAIL_HASH_NAME, minNamed: MIN_SHARE }],
  ['visitorId', { name: VISITOR_NAME, minNamed: MIN_SHARE }],
  ['xUsername', { name: X_NAME, minNamed: MIN_SHARE }],
  ['facebookUserId', { name: FACEBOOK_NAME, minNamed: MIN_SHARE }],
]);

/** What a field holds by its values and its name, the surest first. Empty if it holds nothing of a common namespace. */
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

/** Sorts fields of one namespace, the one that a record is best known by first. */
export function compareFields(a: IdentifierField, b: IdentifierField): number {
  const rank = ({ record, isNamed, values }: IdentifierField) => [
    record.isInList ? 1 : 0,
    values.length === 0 ? 1 : 0,
    isNamed ? 0 : 1,
    // An address for invoices may be that of somebody else.
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
