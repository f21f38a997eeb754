import { createHash } from 'node:crypto';
import {
  GraphQLError,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  Kind,
  OperationTypeNode,
  parse,
  print,
  Source,
  specifiedRules,
  validate,
  visit,
  type ASTVisitor,
  type DocumentNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValidationContext,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { AuditedOperation } from '../privacy/audit-line.js';
import type { Disclosure, Disclosures } from '../privacy/disclosure.js';
import { operationIn, selectedFields, type Fragments, type OperationParts } from '../selections.js';
import { isDefer, withoutDefer } from '../stitching/defer.js';
import type { CostPlanner, OperationCost } from './cost.js';
import { DeferLabelRule, withoutDeferred } from './deferred.js';
import { createPlan, type Plan } from './execution/plan.js';
import { checkSelections, checkText, type OperationLimits } from './limits.js';
import { httpError, operationError } from './request-error.js';

export interface PrepareOptions {
  schema: GraphQLSchema;
  limits: OperationLimits;
  costs: CostPlanner;
  disclosures: Disclosures;
}

/** Prepares operations. A prepared operation is cached by the text of its document. */
export interface Preparer {
  /**
   * Prepares an operation of a client. Throws a GraphQLError, or an AggregateError of several, if it cannot be
   * answered. If `canWrite` is false, a mutation is refused with status 405.
   */
  prepare(text: string, operationName?: string | null, canWrite?: boolean): Prepared;
  /** Prepares an operation of the gateway itself. It must be valid; no limits apply. It is not cached. */
  prepareTrusted(document: DocumentNode): Prepared;
}

/**
 * Maximum size of the cache, in characters of documents. A character takes about 50 bytes, with its plans and costs.
 */
const MAX_CACHED_CHARACTERS = 800_000;
/** A field of a plan takes as much memory as this many characters of a document. */
const CHARACTERS_PER_FIELD = 10;
/** Maximum number of plans of one operation, by audience and by the values of `@skip` and `@include`. */
const MAX_PLANS = 200;

/** A cached document. */
interface Entry {
  size: number;
  document: DocumentNode;
  /** The validation errors. Undefined before validation. */
  invalid?: readonly GraphQLError[];
  operations: Map<string, Prepared>;
}

export function createPreparer(options: PrepareOptions): Preparer {
  const { schema, limits } = options;
  const rules = [...specifiedRules, KnownOperationKindRule, DeferLabelRule];
  const cache = new LRUCache<string, Entry | GraphQLError>({
    maxSize: MAX_CACHED_CHARACTERS,
    sizeCalculation: (entry, text) => (entry instanceof GraphQLError ? Math.max(text.length, 1) : entry.size),
  });

  const entryOf = (text: string): Entry => {
    let entry = cache.get(text);
    if (entry === undefined) {
      try {
        const document = parseWithin(text, limits);
        entry = { size: Math.max(text.length, 1), document, operations: new Map() };
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        entry = error;
      }
      cache.set(text, entry);
    }
    if (entry instanceof GraphQLError) throw entry;
    return entry;
  };

  return {
    prepare: (text, operationName, canWrite = true) => {
      const entry = entryOf(text);
      const name = operationName ?? '';
      const known = entry.operations.get(name);
      const { document } = entry;
      const parts = known ?? operationIn(document, operationName);
      if (parts === undefined) throw unclearChoice(document, operationName);
      if (!canWrite && parts.operation.operation === OperationTypeNode.MUTATION)
        throw httpError('BAD_REQUEST', 'Can only perform a mutation operation from a POST request.', 405, {
          allow: 'POST',
        });
      if (known !== undefined) return known;
      entry.invalid ??= validate(schema, document, rules).map(withCode);
      if (entry.invalid.length > 0) throw new AggregateError(entry.invalid);
      const onPlanGrowth = (fields: number): void => {
        entry.size += fields * CHARACTERS_PER_FIELD;
        // The cache computes the size only for a new entry.
        if (cache.delete(text)) cache.set(text, entry);
      };
      const prepared = new Prepared(document, parts, options, onPlanGrowth);
      entry.operations.set(name, prepared);
      return prepared;
    },
    prepareTrusted: (document) => {
      const parts = operationIn(document);
      if (parts === undefined) throw new Error('The document must have one operation.');
      return new Prepared(document, parts, options);
    },
  };
}

/** `both`: data and introspection in one operation. */
export type OperationKind = 'data' | 'introspection' | 'both' | 'subscription';

/** An operation with all that does not depend on its variables and its caller. */
export class Prepared implements OperationParts {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Fragments;
  readonly kind: OperationKind;
  /** The variables of `@skip` and `@include`. */
  readonly switches: readonly string[];
  readonly isDeferred: boolean;
  /** Whether a response name is `then`: some executors would await an object with that property. */
  readonly hasFieldThen: boolean;
  /** Whether a plan can execute it, apart from `@defer`. */
  readonly canBePlanned: boolean;
  readonly cost: OperationCost;
  readonly disclosure: Disclosure;
  readonly #options: PrepareOptions;
  readonly #onPlanGrowth: (fields: number) => void;
  readonly #plans = new Map<string, Plan>();
  #undeferred: Prepared | undefined;
  #initialDisclosure: Disclosure | undefined;
  #audited: AuditedOperation | undefined;

  constructor(
    document: DocumentNode,
    { operation, fragments }: OperationParts,
    options: PrepareOptions,
    onPlanGrowth: (fields: number) => void = () => undefined,
  ) {
    const { switches, isDeferred, hasFieldThen, hasOtherDirectives } = survey(document);
    this.document = document;
    this.operation = operation;
    this.fragments = fragments;
    this.kind = kindOf(operation, fragments);
    this.switches = [...switches];
    this.isDeferred = isDeferred;
    this.hasFieldThen = hasFieldThen;
    this.canBePlanned = !hasOtherDirectives && (this.kind === 'data' || this.kind === 'subscription');
    this.cost = options.costs(this, this.switches);
    this.disclosure = options.disclosures(this);
    this.#options = options;
    this.#onPlanGrowth = onPlanGrowth;
  }

  get name(): string | undefined {
    return this.operation.name?.value;
  }

  /** The name and id in the audit. The id equals the id of a persisted operation with the same document. */
  get audited(): AuditedOperation {
    this.#audited ??= {
      name: this.name ?? null,
      id: `sha256:${createHash('sha256').update(print(this.document)).digest('hex')}`,
    };
    return this.#audited;
  }

  /** The operation without `@defer`. */
  get undeferred(): Prepared {
    if (!this.isDeferred) return this;
    if (this.#undeferred === undefined) {
      const document = withoutDefer(this.document);
      const parts = operationIn(document, this.name);
      if (parts === undefined) throw new Error('The document without @defer has no operation.');
      this.#undeferred = new Prepared(document, parts, this.#options, this.#onPlanGrowth);
    }
    return this.#undeferred;
  }

  /** The personal data in the initial result of incremental delivery. */
  get initialDisclosure(): Disclosure {
    if (this.#initialDisclosure === undefined) {
      const parts = operationIn(withoutDeferred(this.document), this.name);
      if (parts === undefined) throw new Error('The document without deferred fragments has no operation.');
      this.#initialDisclosure = this.#options.disclosures(parts);
    }
    return this.#initialDisclosure;
  }

  /** Returns the plan for a schema and the values of the switches. */
  planFor(
    schema: GraphQLSchema,
    rootType: GraphQLObjectType,
    switchValues: Readonly<Record<string, boolean>>,
  ): Plan {
    let key = `${numberOf(schema)}`;
    for (const name of this.switches) key += switchValues[name] === true ? '1' : '0';
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      if (this.#plans.size >= MAX_PLANS) this.#plans.clear();
      const { operation, fragments } = this;
      plan = createPlan(
        { schema, operation, fragments, onPlanGrowth: this.#onPlanGrowth },
        rootType,
        switchValues,
      );
      this.#plans.set(key, plan);
    }
    return plan;
  }
}

const numbers = new WeakMap<GraphQLSchema, number>();
let lastNumber = 0;

function numberOf(schema: GraphQLSchema): number {
  let number = numbers.get(schema);
  if (number === undefined) numbers.set(schema, (number = lastNumber += 1));
  return number;
}

function parseWithin(text: string, limits: OperationLimits): DocumentNode {
  const source = new Source(text);
  let document: DocumentNode;
  try {
    checkText(source, limits);
    document = parse(source);
  } catch (error) {
    if (error instanceof GraphQLError) addCode(error, 'GRAPHQL_PARSE_FAILED');
    throw error;
  }
  checkSelections(document, limits);
  return document;
}

function withCode(error: GraphQLError): GraphQLError {
  addCode(error, 'GRAPHQL_VALIDATION_FAILED');
  return error;
}

/** Adds a code to an error without one. The status is for clients that accept `application/graphql-response+json`. */
function addCode({ extensions }: GraphQLError, code: string): void {
  extensions['code'] ??= code;
  extensions['http'] ??= { spec: true, status: 400 };
}

interface Survey {
  switches: Set<string>;
  isDeferred: boolean;
  hasFieldThen: boolean;
  hasOtherDirectives: boolean;
}

function survey(document: DocumentNode): Survey {
  const found: Survey = {
    switches: new Set(),
    isDeferred: false,
    hasFieldThen: false,
    hasOtherDirectives: false,
  };
  visit(document, {
    Field: ({ alias, name }) => {
      if ((alias ?? name).value === 'then') found.hasFieldThen = true;
    },
    Directive: (directive) => {
      const { name, arguments: args = [] } = directive;
      if (name.value === GraphQLSkipDirective.name || name.value === GraphQLIncludeDirective.name) {
        for (const { value } of args) if (value.kind === Kind.VARIABLE) found.switches.add(value.name.value);
      } else if (isDefer(directive)) found.isDeferred = true;
      else found.hasOtherDirectives = true;
    },
  });
  return found;
}

function kindOf({ operation, selectionSet }: OperationDefinitionNode, fragments: Fragments): OperationKind {
  if (operation === OperationTypeNode.SUBSCRIPTION) return 'subscription';
  let hasData = false;
  let hasIntrospection = false;
  for (const { name } of selectedFields(selectionSet, fragments))
    if (name.value === '__schema' || name.value === '__type') hasIntrospection = true;
    // `__typename` is allowed in both kinds.
    else if (name.value !== '__typename') hasData = true;
  if (!hasIntrospection) return 'data';
  return hasData ? 'both' : 'introspection';
}

function unclearChoice(document: DocumentNode, name: string | null | undefined): GraphQLError {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).length;
  return operationError(
    'OPERATION_RESOLUTION_FAILURE',
    operations > 1 && name == null
      ? `The document has ${operations} operations. Select one by "operationName".`
      : `The document has no operation${operations > 0 ? ' with the requested name' : ''}.`,
  );
}

/**
 * Refuses an operation type that the schema does not have. GraphQL's own rules do not check this, so execution would
 * fail.
 */
function KnownOperationKindRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(node) {
      if (context.getSchema().getRootType(node.operation) != null) return;
      context.reportError(
        new GraphQLError(`The schema has no ${node.operation} operations.`, { nodes: node }),
      );
    },
  };
}
