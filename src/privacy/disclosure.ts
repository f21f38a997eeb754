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

/** What an operation tells an audience of persons, whatever its variables: a field that they leave out counts too. */
interface OperationDisclosure {
  granted: readonly DataCategory[];
  masked: readonly DataCategory[];
  withheld: readonly DataCategory[];
  /** What hangs on consent, by channel, or `''` for any. */
  conditional: readonly { channel: string; becomes: 'granted' | 'masked'; category: DataCategory }[];
  /** What that came to, by what was decided of each channel. */
  outcomes: Map<string, Categories | undefined>;
}

export interface DisclosuresOptions {
  schema: GraphQLSchema;
  policies: Policies;
  needConsent: ReadonlySet<Purpose>;
}

/** Finds out what an operation shows of persons. The result is to be stored with the operation. */
export type Disclosures = (parts: OperationParts) => Disclosure;

/** What an operation shows of persons, for the audit. */
export interface Disclosure {
  /** Categories of data by what became of them; undefined when the operation requests nothing of a person. */
  of(audience: Audience, decided: ConsentOutcomes): Categories | undefined;
  /** Fields of the operation that the audience gets from nobody, as `Type.field`. */
  forbidden(audience: Audience): string[];
}

export function createDisclosures({ schema, policies, needConsent }: DisclosuresOptions): Disclosures {
  const makePlan = (paths: ReadonlySet<string>, audience: Audience): OperationDisclosure => {
    const granted = new Set<DataCategory>();
    const masked = new Set<DataCategory>();
    const withheld = new Set<DataCategory>();
    const asked = new Map<string, OperationDisclosure['conditional'][number]>();
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
        asked.set(`${channel} ${becomes} ${category}`, { channel, becomes, category });
      }
    }
    return {
      granted: [...granted],
      masked: [...masked],
      withheld: [...withheld],
      conditional: [...asked.values()],
      outcomes: new Map(),
    };
  };

  return (parts) => {
    const plans = new Map<string, OperationDisclosure>();
    let read: ReadonlySet<string> | undefined;
    const paths = () => (read ??= fieldsOf(parts, schema));
    return {
      of: (audience, decided) => {
        const text = textOfAudience(audience);
        let plan = plans.get(text);
        if (plan === undefined) plans.set(text, (plan = makePlan(paths(), audience)));
        const came = textOf(decided);
        if (!plan.outcomes.has(came)) plan.outcomes.set(came, outcomeOf(plan, decided));
        return plan.outcomes.get(came);
      },
      forbidden: (audience) =>
        [...paths()].filter((path) => {
          const policy = policies.get(path);
          return policy !== undefined && accessTo(path, policy, audience, needConsent).kind === 'forbidden';
        }),
    };
  };
}

/** Of so few channels there are few texts. */
function textOf(decided: ConsentOutcomes): string {
  let text = '';
  for (const [channel, { granted, withheld }] of decided)
    text += `${channel} ${granted ? 'granted' : ''} ${withheld ? 'withheld' : ''},`;
  return text;
}

function outcomeOf(
  { granted, masked, withheld, conditional }: OperationDisclosure,
  decided: ConsentOutcomes,
): Categories | undefined {
  const categories = { granted: new Set(granted), masked: new Set(masked), withheld: new Set(withheld) };
  for (const { channel, becomes, category } of conditional) {
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
