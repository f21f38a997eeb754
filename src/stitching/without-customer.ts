import { Kind, type FieldDefinitionNode, type TypeNode } from 'graphql';
import type { DataCategory, Purpose } from '../customer/schema.generated.js';
import type { FieldPolicy, Policies } from './policies.js';
import type { Sdl } from './sdl.js';

/** Data of no person. What somebody allows is shown without consent: whoever must respect it has to know it. */
const OF_NOBODY: readonly DataCategory[] = ['NONE', 'CONSENT'];

interface Problem {
  node: FieldDefinitionNode;
  text: string;
}

/** From where fields are looked at, and what may lie there. */
interface Way {
  /** The field that everything here is reached by, as `Query.company`. */
  from: string;
  allowed: readonly DataCategory[];
  /** Purposes that need consent and that no field on the way excludes. */
  open: readonly Purpose[];
  /** Whether the audit names who the data is about. */
  isAudited: boolean;
}

/**
 * Finds fields that show data of people without asking their consent. Consent is asked on the fields of Customer that have
 * a category of personal data, so nothing of a person may be reached by another way for a purpose that needs consent. A
 * field of Query that a source declares must show nothing of people at all: the audit could not name them.
 */
export function dataWithoutCustomer(
  sdl: Sdl,
  policies: Policies,
  needConsent: ReadonlySet<Purpose>,
): Problem[] {
  const { fields, members } = typesOf(sdl);
  const problems = new Map<string, Problem>();

  const check = (path: string, node: FieldDefinitionNode, policy: FieldPolicy, way: Way): void => {
    const { from, allowed, open, isAudited } = way;
    if (allowed.includes(policy.category) || problems.has(path) || (isAudited && open.length === 0)) return;
    const reached = path === from ? '' : `, reached by "${from}",`;
    const text = isAudited
      ? `"${path}"${reached} shows personal data (${policy.category}) for ${open.join(' and ')} without asking for consent. Give "${from.startsWith('Customer.') ? from : path}" ${from.startsWith('Customer.') ? 'the category of what it shows' : 'a @purpose without these'}.`
      : `"${path}"${reached} shows personal data (${policy.category}) without its customer, so consent is not asked and the audit names nobody. Declare it on "Customer": Query.customers shows it for many customers.`;
    problems.set(path, { node, text });
  };

  const walk = (type: string, way: Way, seen: Set<string>): void => {
    for (const member of members.get(type) ?? []) walk(member, way, seen);
    const key = `${type} ${way.open.join(' ')}`;
    if (seen.has(key)) return;
    seen.add(key);
    for (const [name, node] of fields.get(type) ?? []) step(`${type}.${name}`, node, way, seen);
  };

  const step = (path: string, node: FieldDefinitionNode, before: Way, seen: Set<string>): void => {
    const policy = policies.get(path);
    const type = namedType(node.type);
    // The fields of Customer are judged by themselves.
    if (policy === undefined || type === 'Customer') return;
    const { purposes } = policy;
    const open =
      purposes === undefined ? before.open : before.open.filter((purpose) => purposes.includes(purpose));
    const way = { ...before, open };
    check(path, node, policy, way);
    if (!way.isAudited || open.length > 0) walk(type, way, seen);
  };

  const open = [...needConsent];
  for (const [name, node] of fields.get('Query') ?? []) {
    const from = `Query.${name}`;
    const isAudited = !sdl.owners.has(from);
    step(from, node, { from, allowed: [...OF_NOBODY, 'COMPANY'], open, isAudited }, new Set());
  }
  for (const [name, node] of fields.get('Customer') ?? []) {
    const from = `Customer.${name}`;
    const category = policies.get(from)?.category;
    // Consent is asked on the others, for all that lies below.
    if (category === undefined || !OF_NOBODY.includes(category)) continue;
    step(from, node, { from, allowed: OF_NOBODY, open, isAudited: true }, new Set());
  }
  return [...problems.values()];
}

/** The fields of each object type over all files, and the object types that an abstract type stands for. */
function typesOf({ coreSchema, sources }: Sdl) {
  const fields = new Map<string, Map<string, FieldDefinitionNode>>();
  const members = new Map<string, string[]>();
  const addMember = (abstract: string, type: string): void => {
    members.set(abstract, [...(members.get(abstract) ?? []), type]);
  };
  for (const one of [coreSchema, ...sources.values()].flatMap(({ definitions }) => definitions)) {
    if (one.kind === Kind.UNION_TYPE_DEFINITION)
      for (const type of one.types ?? []) addMember(one.name.value, type.name.value);
    if (one.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    for (const { name } of one.interfaces ?? []) addMember(name.value, one.name.value);
    const ofType = fields.get(one.name.value) ?? new Map<string, FieldDefinitionNode>();
    for (const field of one.fields ?? [])
      if (!ofType.has(field.name.value)) ofType.set(field.name.value, field);
    fields.set(one.name.value, ofType);
  }
  return { fields, members };
}

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}
