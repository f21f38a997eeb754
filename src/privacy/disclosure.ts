import {
  isObjectType,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { DataCategory, Purpose } from '../customer/schema.generated.js';
import type { Policies } from '../stitching/policies.js';
import { accessTo, textOfAudience, type Audience } from './access.js';
import type { AuditEntry } from './audit-line.js';
import type { Decided } from './permission.js';

type Categories = AuditEntry['categories'];

/** What an operation tells an audience of persons, whatever its variables: a field that they leave out counts too. */
interface OperationDisclosure {
  granted: readonly DataCategory[];
  masked: readonly DataCategory[];
  withheld: readonly DataCategory[];
  /** What hangs on consent, by channel, or `''` for any. */
  asked: readonly { channel: string; becomes: 'granted' | 'masked'; category: DataCategory }[];
  /** What that came to, by what was decided of each channel. */
  outcomes: Map<string, Categories | undefined>;
}

export interface DisclosuresOptions {
  schema: GraphQLSchema;
  policies: Policies;
  needConsent: ReadonlySet<Purpose>;
}

/** Tells what an answer shows of persons, for the audit. */
export interface Disclosures {
  /** Categories of data by what became of them; undefined when the operation asks for nothing of a person. */
  of(operation: AskedOperation, audience: Audience, decided: Decided): Categories | undefined;
  /** Fields of the operation that the audience gets from nobody, as `Type.field`. */
  forbidden(operation: AskedOperation, audience: Audience): string[];
}

export interface AskedOperation {
  document: DocumentNode;
  operationName?: string | null | undefined;
}

export function createDisclosures({ schema, policies, needConsent }: DisclosuresOptions): Disclosures {
  /** By document, audience and the name of the operation. */
  const plans = new WeakMap<DocumentNode, Map<string, Map<string, OperationDisclosure>>>();

  const makePlan = ({ document, operationName }: AskedOperation, audience: Audience): OperationDisclosure => {
    const granted = new Set<DataCategory>();
    const masked = new Set<DataCategory>();
    const withheld = new Set<DataCategory>();
    const asked = new Map<string, OperationDisclosure['asked'][number]>();
    for (const path of fieldsOf(document, operationName, schema)) {
      const policy = policies.get(path);
      if (policy === undefined || policy.category === 'NONE') continue;
      const { category } = policy;
      const access = accessTo(path, policy, audience, needConsent);
      if (access.kind === 'forbidden') {
        withheld.add(category);
        continue;
      }
      const becomes = access.mask === undefined ? 'granted' : 'masked';
      if (access.consent === undefined) (becomes === 'granted' ? granted : masked).add(category);
      else {
        const channel = access.consent.channel ?? '';
        asked.set(`${channel} ${becomes} ${category}`, { channel, becomes, category });
      }
    }
    return {
      granted: [...granted],
      masked: [...masked],
      withheld: [...withheld],
      asked: [...asked.values()],
      outcomes: new Map(),
    };
  };

  return {
    of: (operation, audience, decided) => {
      let ofDocument = plans.get(operation.document);
      if (ofDocument === undefined)
        plans.set(operation.document, (ofDocument = new Map<string, Map<string, OperationDisclosure>>()));
      const text = textOfAudience(audience);
      let ofAudience = ofDocument.get(text);
      if (ofAudience === undefined)
        ofDocument.set(text, (ofAudience = new Map<string, OperationDisclosure>()));
      const name = operation.operationName ?? '';
      let plan = ofAudience.get(name);
      if (plan === undefined) ofAudience.set(name, (plan = makePlan(operation, audience)));
      const came = textOf(decided);
      if (!plan.outcomes.has(came)) plan.outcomes.set(came, outcomeOf(plan, decided));
      return plan.outcomes.get(came);
    },
    forbidden: ({ document, operationName }, audience) =>
      [...fieldsOf(document, operationName, schema)].filter((path) => {
        const policy = policies.get(path);
        return policy !== undefined && accessTo(path, policy, audience, needConsent).kind === 'forbidden';
      }),
  };
}

/** Of so few channels there are few texts. */
function textOf(decided: Decided): string {
  let text = '';
  for (const [channel, { granted, withheld }] of decided)
    text += `${channel} ${granted ? 'granted' : ''} ${withheld ? 'withheld' : ''},`;
  return text;
}

function outcomeOf(
  { granted, masked, withheld, asked }: OperationDisclosure,
  decided: Decided,
): Categories | undefined {
  const categories = { granted: new Set(granted), masked: new Set(masked), withheld: new Set(withheld) };
  for (const { channel, becomes, category } of asked) {
    const decision = decided.get(channel);
    // Not decided: there was nobody of whom it could have been shown.
    if (decision?.granted === true) categories[becomes].add(category);
    if (decision?.withheld === true) categories.withheld.add(category);
  }
  const total = categories.granted.size + categories.masked.size + categories.withheld.size;
  return total === 0
    ? undefined
    : {
        granted: [...categories.granted].sort(),
        masked: [...categories.masked].sort(),
        withheld: [...categories.withheld].sort(),
      };
}

/** Every `Type.field` that an operation selects. */
function fieldsOf(
  document: DocumentNode,
  operationName: string | null | undefined,
  schema: GraphQLSchema,
): ReadonlySet<string> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  let operation: OperationDefinitionNode | undefined;
  for (const one of document.definitions)
    if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one);
    else if (one.kind === Kind.OPERATION_DEFINITION)
      if (operationName == null || one.name?.value === operationName) operation ??= one;
  const paths = new Set<string>();
  const seen = new Set<string>();
  const gather = (node: OperationDefinitionNode | FragmentDefinitionNode): void => {
    const types = new TypeInfo(schema);
    visit(
      node,
      visitWithTypeInfo(types, {
        Field: ({ name }) => {
          const parent = types.getParentType();
          if (isObjectType(parent)) paths.add(`${parent.name}.${name.value}`);
        },
        FragmentSpread: ({ name }) => {
          const fragment = fragments.get(name.value);
          if (fragment === undefined || seen.has(name.value)) return;
          seen.add(name.value);
          gather(fragment);
        },
      }),
    );
  };
  if (operation !== undefined) gather(operation);
  return paths;
}
