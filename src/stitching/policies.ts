import {
  buildASTSchema,
  getDirectiveValues,
  GraphQLError,
  isObjectType,
  Kind,
  type ASTNode,
  type DocumentNode,
  type EnumValueDefinitionNode,
  type FieldDefinitionNode,
  type GraphQLDirective,
  type GraphQLSchema,
  type ObjectTypeDefinitionNode,
  type TypeNode,
} from 'graphql';
import type { ConsentChannel, DataCategory, Mask, Purpose } from '../customer/schema.generated.js';
import { didYouMean } from '../did-you-mean.js';
import { ConfigError } from '../errors.js';
import { placeOf, type Sdl } from './sdl.js';
import { dataWithoutCustomer } from './without-customer.js';

/** The policy of a field: its personal data, who may see it, and for which purposes. */
export interface FieldPolicy {
  category: DataCategory;
  /** Absent: callers with masked values also see the clear value. */
  mask?: Mask;
  /** Absent: any purpose. */
  purposes?: readonly Purpose[];
  /** The channel that consent must be for. Absent: any channel. */
  channel?: ConsentChannel;
  /** The caller needs all scopes of one of the lists. Absent: none. */
  scopes?: readonly (readonly string[])[];
  /** Whether the caller must be authenticated. Scopes imply it, because only authenticated callers have scopes. */
  authenticated: boolean;
}

/** The policy of an enum value: who may see its data, and for which purposes. */
export interface ValuePolicy {
  scopes?: FieldPolicy['scopes'] | undefined;
  purposes?: FieldPolicy['purposes'] | undefined;
}

/** Policies by `Type.field`. */
export type Policies = ReadonlyMap<string, FieldPolicy>;

type Annotated = FieldDefinitionNode | ObjectTypeDefinitionNode | EnumValueDefinitionNode;

/** The directives of policies. composeSdl() checks their use against their declarations. */
interface Said {
  personalData: { category: DataCategory; mask?: Mask | null };
  purpose: { any: readonly Purpose[]; channel?: ConsentChannel | null };
  requiresScopes: { scopes: readonly (readonly string[])[] };
  authenticated: object;
  requiresConsent: object;
}

/** Scalars with masks: their values are texts. */
const TEXT = new Set(['String', 'ID', 'Date']);

/** Types whose fields a caller reaches without passing another field with a policy. */
const ENTRANCES = new Set(['Query', 'Subscription', 'Customer']);

/**
 * Reads the policies of every published field. `scopes` are all scopes that callers can have. Throws a ConfigError with
 * all problems: fields without a classification, impossible policies, and personal data without consent.
 */
export function readPolicies(sdl: Sdl, scopes: readonly string[]): Policies {
  const { coreSchema, sources } = sdl;
  const problems: string[] = [];
  const policies = new Map<string, FieldPolicy>();
  const readDirective = directivesOf(coreSchema);
  const problem = (node: ASTNode, text: string): void => {
    problems.push(`${placeOf(node)}: ${text}`);
  };

  const checkScopes = (node: FieldDefinitionNode | EnumValueDefinitionNode, path: string): void => {
    for (const all of readDirective('requiresScopes', node)?.scopes ?? []) {
      if (all.length === 0)
        problem(node.name, `"${path}" has an empty list in @requiresScopes, which every caller holds.`);
      for (const scope of all.filter((scope) => !scopes.includes(scope)))
        problem(
          node.name,
          `"${path}" needs the scope "${scope}", which no caller can have.${didYouMean(scope, scopes)} Scopes are listed in src/context/roles.ts, and a source may list more in its declaration.`,
        );
    }
  };

  for (const type of [coreSchema, ...sources.values()].flatMap(({ definitions }) => definitions)) {
    if (type.kind === Kind.ENUM_TYPE_DEFINITION)
      for (const value of type.values ?? []) checkScopes(value, `${type.name.value}.${value.name.value}`);
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    const ofType = readDirective('personalData', type);
    if (ofType?.mask != null)
      problem(
        type.name,
        `"${type.name.value}" has a mask. Only fields can have one: move it to the fields of the type.`,
      );
    for (const field of type.fields ?? []) {
      // Clients cannot use private entry points.
      if (type.name.value === 'Query' && field.name.value.startsWith('_')) continue;
      const path = `${type.name.value}.${field.name.value}`;
      const data =
        readDirective('personalData', field) ??
        (ofType === undefined ? undefined : { category: ofType.category });
      if (data === undefined) {
        problem(
          field.name,
          `"${path}" is not classified: it or its type needs @personalData with the category of its data, or NONE.`,
        );
        continue;
      }
      const policy = policyOf(field, data, readDirective);
      checkScopes(field, path);
      if (
        ENTRANCES.has(type.name.value) &&
        policy.category !== 'NONE' &&
        policy.scopes === undefined &&
        !policy.authenticated
      )
        problem(
          field.name,
          `"${path}" has no access rule: add @requiresScopes, or @authenticated for every caller.`,
        );
      if (policy.mask !== undefined && !TEXT.has(namedType(field.type)))
        problem(
          field.name,
          `"${path}" has a mask. Only ${[...TEXT].join(', ')} and lists of them can have one.`,
        );
      const mayBeRefused = policy.authenticated || (policy.purposes ?? policy.scopes) !== undefined;
      if (field.type.kind === Kind.NON_NULL_TYPE && (mayBeRefused || type.name.value === 'Customer'))
        problem(field.name, `"${path}" must be nullable: callers without access get null.`);
      const earlier = policies.get(path);
      policies.set(path, earlier ?? policy);
      if (earlier !== undefined && JSON.stringify(earlier) !== JSON.stringify(policy))
        problem(field.name, `"${path}" is declared in another file too, and its directives differ there.`);
    }
  }
  for (const { node, text } of dataWithoutCustomer(sdl, policies, purposesThatNeedConsent(sdl)))
    problem(node.name, text);
  if (problems.length > 0) throw new ConfigError(problems);
  return policies;
}

/**
 * The policies of enum values, by `Enum.VALUE`. Data of a kind is reachable by its own fields and by fields for all kinds,
 * such as the timeline. Therefore the enum value repeats the policy of its own fields.
 */
export function policiesOfValues({ coreSchema }: Pick<Sdl, 'coreSchema'>): ReadonlyMap<string, ValuePolicy> {
  const readDirective = directivesOf(coreSchema);
  return new Map(
    coreSchema.definitions.flatMap((definition) =>
      definition.kind !== Kind.ENUM_TYPE_DEFINITION
        ? []
        : (definition.values ?? []).map((value) => {
            const scopes = readDirective('requiresScopes', value)?.scopes;
            const purposes = readDirective('purpose', value)?.any;
            return [`${definition.name.value}.${value.name.value}`, { scopes, purposes }] as const;
          }),
    ),
  );
}

/** The purposes with `@requiresConsent`. */
export function purposesThatNeedConsent({ coreSchema }: Pick<Sdl, 'coreSchema'>): ReadonlySet<Purpose> {
  const readDirective = directivesOf(coreSchema);
  const values = coreSchema.definitions.flatMap((definition) =>
    definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'Purpose'
      ? (definition.values ?? [])
      : [],
  );
  return new Set(
    values
      .filter((value) => readDirective('requiresConsent', value) !== undefined)
      // The type is generated from these values.
      .map(({ name }) => name.value as Purpose),
  );
}

/** Adds the category and purposes of personal data to the description of each field, so that the schema documents them. */
export function describePersonalData(schema: GraphQLSchema, policies: Policies): void {
  for (const [path, { category, purposes, mask }] of policies) {
    const [typeName = '', fieldName = ''] = path.split('.');
    const type = schema.getType(typeName);
    const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
    // A field without a description stays without one, so that the check for missing descriptions finds it.
    if (category === 'NONE' || !field?.description) continue;
    const sentences = [
      `Personal data: ${category}.`,
      ...(purposes === undefined ? [] : [`For ${purposes.join(', ')}.`]),
      ...(mask === undefined ? [] : ['Masked for some callers.']),
    ];
    field.description = `${field.description}\n${sentences.join(' ')}`;
  }
}

/** The access that the directives of a node give; undefined if they are not valid. */
export function accessReader(coreSchema: DocumentNode): (node: Annotated) => ValuePolicy | undefined {
  const readDirective = directivesOf(coreSchema);
  return (node) => {
    try {
      return {
        scopes: readDirective('requiresScopes', node)?.scopes,
        purposes: readDirective('purpose', node)?.any,
      };
    } catch (error) {
      if (error instanceof GraphQLError) return undefined;
      throw error;
    }
  };
}

type ReadDirective = <D extends keyof Said>(name: D, node: Annotated) => Said[D] | undefined;

function directivesOf(coreSchema: DocumentNode): ReadDirective {
  const declared = declaredDirectives(coreSchema);
  return <D extends keyof Said>(name: D, node: Annotated) =>
    getDirectiveValues(directiveIn(declared, name), node) as Said[D] | undefined;
}

/** A directive as schema/directives.graphql declares it. */
export function directiveNamed(name: string, { coreSchema }: Pick<Sdl, 'coreSchema'>): GraphQLDirective {
  return directiveIn(declaredDirectives(coreSchema), name);
}

function declaredDirectives({ definitions }: DocumentNode): GraphQLSchema {
  return buildASTSchema(
    {
      kind: Kind.DOCUMENT,
      definitions: definitions.filter(
        ({ kind }) => kind === Kind.ENUM_TYPE_DEFINITION || kind === Kind.DIRECTIVE_DEFINITION,
      ),
    },
    { assumeValidSDL: true },
  );
}

function directiveIn(declared: GraphQLSchema, name: string): GraphQLDirective {
  const directive = declared.getDirective(name);
  if (directive == null)
    throw new ConfigError([`@${name} is not declared. Declare it in schema/directives.graphql.`]);
  return directive;
}

function policyOf(
  field: FieldDefinitionNode,
  data: Said['personalData'],
  readDirective: ReadDirective,
): FieldPolicy {
  const { category, mask } = data;
  const purpose = readDirective('purpose', field);
  const scopes = readDirective('requiresScopes', field);
  return {
    category,
    ...(mask == null ? {} : { mask }),
    ...(purpose === undefined ? {} : { purposes: purpose.any }),
    ...(purpose?.channel == null ? {} : { channel: purpose.channel }),
    ...(scopes === undefined ? {} : { scopes: scopes.scopes }),
    authenticated: readDirective('authenticated', field) !== undefined,
  };
}

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}
