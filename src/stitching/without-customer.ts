import { Kind, type FieldDefinitionNode, type TypeNode } from 'graphql';
import type { DataCategory, Purpose } from '../customer/schema.generated.js';
import type { FieldPolicy, Policies } from './policies.js';
import type { Sdl } from './sdl.js';

/** Categories that are shown without consent: data of no person, and consents, which callers must see to respect them. */
const CATEGORIES_WITHOUT_CUSTOMER: readonly DataCategory[] = ['NONE', 'CONSENT'];

/**
 * Fields that check consent themselves. Each member of an audience has given consent, because the consent is one of the compared
 * conditions. The ids and counts of members are therefore shown without a further check. The fields of each member's customer are
 * checked like those of any customer. `test/privacy/audience-matrix.test.ts` checks both.
 */
const CHECK_CONSENT: ReadonlySet<string> = new Set(['Query.audience']);

interface Problem {
  node: FieldDefinitionNode;
  text: string;
}

/** The start of a search for fields, and what is allowed there. */
interface Way {
  /** The field that leads to all fields of the search, such as `Query.company`. */
  from: string;
  allowed: readonly DataCategory[];
  /** Purposes that need consent and that no field on the path excludes. */
  open: readonly Purpose[];
  /** Whether the audit names the customer whose data it is. */
  isAudited: boolean;
}

/**
 * Finds fields that show personal data without consent. Consent is checked on the fields of Customer with a category of
 * personal data, so for a purpose that needs consent no other path may lead to personal data. A source's field of Query
 * must not show personal data at all, because the audit could not name the customer.
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
      ? `"${path}"${reached} shows personal data (${policy.category}) for ${open.join(' and ')} without a check of consent. Give "${from.startsWith('Customer.') ? from : path}" ${from.startsWith('Customer.') ? 'the category of what it shows' : 'a @purpose without these'}.`
      : `"${path}"${reached} shows personal data (${policy.category}) without its customer, so there is no check of consent and no audit. Declare it on "Customer": Query.customers shows it for many customers.`;
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
    // The fields of Customer have their own search.
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
    if (CHECK_CONSENT.has(from)) continue;
    const isAudited = !sdl.owners.has(from);
    step(
      from,
      node,
      { from, allowed: [...CATEGORIES_WITHOUT_CUSTOMER, 'COMPANY'], open, isAudited },
      new Set(),
    );
  }
  for (const [name, node] of fields.get('Customer') ?? []) {
    const from = `Customer.${name}`;
    const category = policies.get(from)?.category;
    // The others have a check of consent, which covers all fields below them.
    if (category === undefined || !CATEGORIES_WITHOUT_CUSTOMER.includes(category)) continue;
    step(from, node, { from, allowed: CATEGORIES_WITHOUT_CUSTOMER, open, isAudited: true }, new Set());
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
  for (const definition of [coreSchema, ...sources.values()].flatMap(({ definitions }) => definitions)) {
    if (definition.kind === Kind.UNION_TYPE_DEFINITION)
      for (const type of definition.types ?? []) addMember(definition.name.value, type.name.value);
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    for (const { name } of definition.interfaces ?? []) addMember(name.value, definition.name.value);
    const ofType = fields.get(definition.name.value) ?? new Map<string, FieldDefinitionNode>();
    for (const field of definition.fields ?? [])
      if (!ofType.has(field.name.value)) ofType.set(field.name.value, field);
    fields.set(definition.name.value, ofType);
  }
  return { fields, members };
}

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}
