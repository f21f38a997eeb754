import {
  isObjectType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { DataCategory, Purpose } from '../customer/schema.generated.js';
import type { OperationParts } from '../selections.js';
import type { Policies } from '../stitching/policies.js';
import { accessTo, textOfAudience, type Audience } from './access.js';
import type { AuditEntry } from './audit-line.js';
import type { ConsentOutcomes } from './consent-guard.js';

type Categories = AuditEntry['categories'];

/** The categories of personal data that an operation can return to an audience, with any variables. */
interface OperationDisclosure {
  granted: readonly DataCategory[];
  masked: readonly DataCategory[];
  withheld: readonly DataCategory[];
  /** Categories that depend on consent, by channel, or `''` for any channel. */
  conditional: readonly { channel: string; becomes: 'granted' | 'masked'; category: DataCategory }[];
  /** Categories by the consent outcomes of the channels, as text. */
  outcomes: Map<string, Categories | undefined>;
}

export interface DisclosuresOptions {
  schema: GraphQLSchema;
  policies: Policies;
  needConsent: ReadonlySet<Purpose>;
}

/** Determines which personal data an operation shows. Store the result with the operation. */
export type Disclosures = (parts: OperationParts) => Disclosure;

/** The personal data that an operation shows, for the audit. */
export interface Disclosure {
  /** Categories that were granted, masked and withheld; undefined if the operation requests no personal data. */
  of(audience: Audience, outcomes: ConsentOutcomes): Categories | undefined;
  /** Fields of the operation that the audience may not see, as `Type.field`. */
  forbidden(audience: Audience): string[];
}

export function createDisclosures({ schema, policies, needConsent }: DisclosuresOptions): Disclosures {
  const makePlan = (paths: ReadonlySet<string>, audience: Audience): OperationDisclosure => {
    const granted = new Set<DataCategory>();
    const masked = new Set<DataCategory>();
    const withheld = new Set<DataCategory>();
    const conditional = new Map<string, OperationDisclosure['conditional'][number]>();
    for (const path of paths) {
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
        conditional.set(`${channel} ${becomes} ${category}`, { channel, becomes, category });
      }
    }
    return {
      granted: [...granted],
      masked: [...masked],
      withheld: [...withheld],
      conditional: [...conditional.values()],
      outcomes: new Map(),
    };
  };

  return (parts) => {
    const plans = new Map<string, OperationDisclosure>();
    let read: ReadonlySet<string> | undefined;
    const paths = () => (read ??= fieldsOf(parts, schema));
    return {
      of: (audience, outcomes) => {
        const text = textOfAudience(audience);
        let plan = plans.get(text);
        if (plan === undefined) plans.set(text, (plan = makePlan(paths(), audience)));
        const key = textOf(outcomes);
        if (!plan.outcomes.has(key)) plan.outcomes.set(key, categoriesOf(plan, outcomes));
        return plan.outcomes.get(key);
      },
      forbidden: (audience) =>
        [...paths()].filter((path) => {
          const policy = policies.get(path);
          return policy !== undefined && accessTo(path, policy, audience, needConsent).kind === 'forbidden';
        }),
    };
  };
}

/** The outcomes as a map key. There are few channels, so there are few keys. */
function textOf(outcomes: ConsentOutcomes): string {
  let text = '';
  for (const [channel, { granted, withheld }] of outcomes)
    text += `${channel} ${granted ? 'granted' : ''} ${withheld ? 'withheld' : ''},`;
  return text;
}

function categoriesOf(
  { granted, masked, withheld, conditional }: OperationDisclosure,
  outcomes: ConsentOutcomes,
): Categories | undefined {
  const categories = { granted: new Set(granted), masked: new Set(masked), withheld: new Set(withheld) };
  for (const { channel, becomes, category } of conditional) {
    const outcome = outcomes.get(channel);
    // Without an outcome the answer contains no customer with such a field.
    if (outcome?.granted === true) categories[becomes].add(category);
    if (outcome?.withheld === true) categories.withheld.add(category);
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
function fieldsOf({ operation, fragments }: OperationParts, schema: GraphQLSchema): ReadonlySet<string> {
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
          const fragment = fragments[name.value];
          if (fragment === undefined || seen.has(name.value)) return;
          seen.add(name.value);
          gather(fragment);
        },
      }),
    );
  };
  gather(operation);
  return paths;
}
