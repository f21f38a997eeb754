import { readdirSync } from 'node:fs';
import { getOperationAST, Kind, parse, type SelectionSetNode } from 'graphql';
import type { DeclaredField, DeclaredSchema } from './declared.js';
import { namedType } from './declared.js';

/** The caller and the consent, in the terms of the SDL. */
export interface Cell {
  scopes: ReadonlySet<string>;
  sees: 'clear' | 'masked';
  purpose: string;
  /** The consent for the purpose, by channel, or by `''` for any. `unavailable`: no system with consent answers. */
  consent: (channel: string) => 'granted' | 'withheld' | 'unavailable';
}

export interface Answer {
  data: unknown;
  /** Path and code of each error. */
  errors: { path: string; code: string }[];
}

export const NEED_CONSENT = new Set(['PERSONALISATION', 'MARKETING']);

/** Fields with a time that differs in each answer. */
export const TIMES = new Set(['fetchedAt', 'seenAt', 'checkedAt', 'issuedAt']);

/** Computes the answer that a cell must get, from the unrestricted answer and the SDL alone. */
export function expected(schema: DeclaredSchema, operation: string, whole: Answer, cell: Cell): Answer {
  const errors: Answer['errors'] = [];
  const document = parse(operation);
  const has = (scopes: string[][] | undefined) =>
    scopes?.some((all) => all.every((scope) => cell.scopes.has(scope))) !== false;

  const isForbidden = ({ scopes, purposes }: Pick<DeclaredField, 'scopes' | 'purposes'>): boolean =>
    !has(scopes) || purposes?.includes(cell.purpose) === false;

  const isFieldForbidden = (name: string): boolean => {
    const field = schema.types.get('Customer')?.get(name);
    if (field === undefined) throw new Error(`The schema has no Customer.${name}.`);
    return isForbidden(field);
  };

  const refusal = (type: string, field: DeclaredField): string | undefined => {
    if (isForbidden(field)) return 'FORBIDDEN';
    if (type !== 'Customer' || !NEED_CONSENT.has(cell.purpose)) return undefined;
    if (field.category === 'NONE' || field.category === 'CONSENT') return undefined;
    const consent = cell.consent(field.channel ?? '');
    return consent === 'granted' ? undefined : consent === 'withheld' ? 'CONSENT_REQUIRED' : 'SOURCE';
  };

  const ofObject = (value: unknown, type: string, set: SelectionSetNode, path: string): unknown => {
    if (value == null) {
      errors.push(...whole.errors.filter((error) => error.path === path));
      return value;
    }
    if (Array.isArray(value))
      return value.map((item: unknown, i) => ofObject(item, type, set, `${path}.${i}`));
    const object = value as Record<string, unknown>;
    const text = typeof object['__typename'] === 'string' ? object['__typename'] : type;
    const shown: Record<string, unknown> = {};
    for (const selection of set.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) continue;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (selection.typeCondition?.name.value === text)
          Object.assign(shown, ofObject(object, text, selection.selectionSet, path));
        continue;
      }
      const name = selection.name.value;
      const field = schema.types.get(text)?.get(name);
      const at = path === '' ? name : `${path}.${name}`;
      if (name === '__typename') shown[name] = object[name];
      else if (field !== undefined)
        shown[name] = ofField(object[name], text, name, field, selection.selectionSet, at);
    }
    return shown;
  };

  const ofField = (
    value: unknown,
    type: string,
    name: string,
    field: DeclaredField,
    set: SelectionSetNode | undefined,
    path: string,
  ): unknown => {
    const refused = refusal(type, field);
    if (refused !== undefined) {
      errors.push({ path, code: refused });
      return null;
    }
    if (set === undefined) {
      if (value == null) errors.push(...whole.errors.filter((error) => error.path === path));
      return cell.sees === 'masked' && field.mask !== undefined ? masked(value, field.mask) : value;
    }
    return ofObject(withoutForbidden(`${type}.${name}`, value), namedType(field.type), set, path);
  };

  /** Removes from a field that repeats other fields the values whose own field is forbidden. */
  const withoutForbidden = (path: string, value: unknown): unknown => {
    if (value == null) return value;
    const isShown = ({ namespace }: { namespace: string }) => {
      const value = FIELD_OF_NAMESPACE[namespace];
      return value === undefined || !isFieldForbidden(value);
    };
    interface Value {
      source: string;
    }
    // The record ids of Facebook are ids of people's profiles.
    const isOfShown = ({ source }: Value) => source !== 'FACEBOOK' || !isFieldForbidden('facebookProfile');
    switch (path) {
      case 'Customer.timeline':
        return ofKinds(value);
      case 'Customer.provenance':
        return (value as { field: string; chosen: Value | null; alternatives: Value[] }[])
          .filter(({ field }) => !isFieldForbidden(camelCase(field)))
          .map(({ chosen, alternatives, ...rest }) => ({
            ...rest,
            chosen: chosen === null || isOfShown(chosen) ? chosen : { ...chosen, recordId: '***' },
            alternatives: alternatives.filter(isOfShown),
          }));
      case 'Customer.consents':
        return isForbidden(schema.types.get('Consent')?.get('topic') ?? {})
          ? (value as Statement[]).filter((statement) => !isNote(statement))
          : value;
      case 'Customer.identifiers':
      case 'IdentifiedCustomer.identifiers':
        return (value as { namespace: string }[]).filter(isShown);
      case 'IdentifiedCustomer.links':
        return (value as { from: { namespace: string }; to: { namespace: string } }[]).filter(
          ({ from, to }) => isShown(from) && isShown(to),
        );
      case 'IdentifiedCustomer.conflicts':
        return (value as { namespace: string; link: { namespace: string } }[]).filter(
          (item) => isShown(item) && isShown(item.link),
        );
      default:
        return value;
    }
  };

  /** Removes entries of forbidden kinds, and computes the end of the page. */
  const ofKinds = (value: unknown): unknown => {
    const page = value as {
      edges: { cursor: string; node: { kind: string } }[];
      nodes: { kind: string }[];
    };
    const maySee = ({ kind }: { kind: string }) =>
      !isForbidden(schema.values.get(`TimelineKind.${kind}`) ?? {});
    const edges = page.edges.filter(({ node }) => maySee(node));
    const pageInfo = {
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    };
    return { ...page, edges, nodes: page.nodes.filter(maySee), pageInfo };
  };

  const set = getOperationAST(document)?.selectionSet;
  const data = set === undefined ? null : ofObject(whole.data, 'Query', set, '');
  return { data, errors };
}

/**
 * The field of Customer that shows the same value as an identifier. Ids of other systems' records have no such field.
 */
const FIELD_OF_NAMESPACE: Readonly<Record<string, string>> = {
  email: 'emails',
  emailHash: 'emails',
  phone: 'phones',
  visitorId: 'devices',
  kvkNumber: 'company',
  vatNumber: 'company',
  xUsername: 'xProfile',
  facebookUserId: 'facebookProfile',
};

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

interface Statement {
  source: string;
  status: string;
  topic: string | null;
}

/** Whether a statement is a note. The CRM's consent is an opt-out of all mail, and its other entries are notes. */
function isNote({ source, status, topic }: Statement): boolean {
  return source === 'CRM_HUBSPOT' && (status !== 'REVOKED' || topic !== null);
}

/** Masks a text, written from the SDL's description of each mask. */
export function masked(value: unknown, mask: string): unknown {
  if (value == null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => masked(item, mask));
  if (typeof value !== 'string') return '***';
  const text = value;
  switch (mask) {
    case 'EMAIL':
      return text.replace(/^(.).*(@.*)$/su, '$1***$2');
    case 'LAST_FOUR':
      return text.length < 8 ? '***' : `***${text.slice(-4)}`;
    case 'INITIAL':
      return `${Array.from(text)[0] ?? ''}***`;
    case 'YEAR':
      return text.slice(0, 4);
    default:
      return '***';
  }
}

/** Names of systems. They are not personal data, and errors and metrics contain them. */
const SYSTEMS = new Set(readdirSync('sources'));

/** Types that repeat values of other fields. */
const REPEATS = new Set([
  'TimelineEdge',
  'TimelineEntry',
  'PageInfo',
  'FieldValue',
  'CustomerIdentifier',
  'IdentifierReference',
  'IdentityConflict',
  'CandidateHint',
]);

/** Every text in an answer that is personal data by the SDL, by `Type.field`. */
export function markersIn(
  schema: DeclaredSchema,
  operation: string,
  data: unknown,
): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { path, category, value } of textsIn(schema, operation, data))
    if (category !== 'NONE') found.set(path, (found.get(path) ?? new Set<string>()).add(value));
  return found;
}

/** The texts of an answer and the fields that contain them: only personal data, and all texts. */
export function ownTextsIn(
  schema: DeclaredSchema,
  operation: string,
  data: unknown,
): { ofPerson: Map<string, string>; all: Set<string> } {
  const ofPerson = new Map<string, string>();
  const all = new Set<string>();
  for (const { path, category, value } of textsIn(schema, operation, data)) {
    if (REPEATS.has(path.slice(0, path.indexOf('.')))) continue;
    all.add(value);
    if (category !== 'NONE') ofPerson.set(value, path);
  }
  return { ofPerson, all };
}

interface FoundText {
  path: string;
  category: string;
  value: string;
}

const TEXTS = new Set(['String', 'ID', 'Date', 'Decimal']);

function textsIn(schema: DeclaredSchema, operation: string, data: unknown): FoundText[] {
  const found: FoundText[] = [];
  // "customer" is a stage of the CRM and a word of the schema.
  const words = new Set([...SYSTEMS, ...[...schema.types.values()].flatMap((fields) => [...fields.keys()])]);
  const note = (path: string, category: string, value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) note(path, category, item);
    // A shorter text may occur anywhere by chance.
    else if (typeof value === 'string' && value.length >= 6 && !words.has(value))
      found.push({ path, category, value });
  };
  const ofObject = (value: unknown, type: string, set: SelectionSetNode): void => {
    if (Array.isArray(value)) for (const item of value) ofObject(item, type, set);
    else if (typeof value === 'object' && value !== null) {
      const object = value as Record<string, unknown>;
      const text = typeof object['__typename'] === 'string' ? object['__typename'] : type;
      for (const selection of set.selections) {
        if (selection.kind === Kind.INLINE_FRAGMENT && selection.typeCondition?.name.value === text)
          ofObject(value, text, selection.selectionSet);
        if (selection.kind !== Kind.FIELD) continue;
        const name = selection.name.value;
        const field = schema.types.get(text)?.get(name);
        if (field === undefined) continue;
        if (selection.selectionSet !== undefined)
          ofObject(object[name], namedType(field.type), selection.selectionSet);
        else if (TEXTS.has(namedType(field.type))) note(`${text}.${name}`, field.category, object[name]);
      }
    }
  };
  const set = getOperationAST(parse(operation))?.selectionSet;
  if (set !== undefined) ofObject(data, 'Query', set);
  return found;
}
