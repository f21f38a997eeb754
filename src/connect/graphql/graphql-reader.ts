import type { GraphQLSchema } from 'graphql';
import { InvalidInputError } from '../../errors.js';
import type { Draft, DraftCall, Finding } from '../draft.js';
import { graphqlProbe, pointsIn, type GraphqlProbe } from './graphql-client.js';
import { draftTypesOf, type DraftTypes } from './graphql-draft.js';
import { valuesAt } from '../values.js';
import { GraphqlMeasurer, withSize, type MeasuredWay } from './graphql-measure.js';
import { findPeople, sampleFieldOf, type People, type PersonWay } from './graphql-people.js';
import { INTROSPECTION, schemaOfIntrospection, schemaOfSdl, sdlOf } from './graphql-schema.js';
import { planTypes, type PlannedList } from './graphql-types.js';
import { camelCase, wordsOf } from '../words.js';
import {
  credentialsOf,
  httpSystem,
  latencyOf,
  limitsOf,
  plainAddress,
  variableOf,
  type Credentials,
} from '../http-system.js';
import { isIntrospection } from './graphql-kind.js';
import type { Candidate, Look, Measured, ReaderOptions, SystemReader } from '../reader.js';

/** The number of records that are read as samples. */
const SAMPLE_SIZE = 20;
/** A longer list is an error, because a truncated one would look complete. */
const MAX_ITEMS = 200;
/** Another way is measured only if at least this many calls are left. */
const CALLS_OF_A_WAY = 4;

export class GraphqlReader implements SystemReader {
  readonly #options: ReaderOptions;
  readonly #url: URL;
  readonly #credentials: Credentials;
  readonly #probe: GraphqlProbe;
  #schema: GraphQLSchema | undefined;
  #people: People = { ways: [], refused: [] };

  constructor(options: ReaderOptions) {
    const { source, target, environment, budget } = options;
    const variable = variableOf(source, 'URL');
    const address = target.url ?? environment[variable];
    if (address === undefined || !URL.canParse(String(address)))
      throw new InvalidInputError(
        `The file describes the system but not its address. Set ${variable} to the address of the endpoint.`,
      );
    const url = new URL(address);
    this.#options = options;
    this.#url = plainAddress(url);
    this.#credentials = credentialsOf(source, environment, url);
    this.#probe = graphqlProbe(httpSystem(budget, this.#credentials), url, variableOf(source, 'TOKEN'));
  }

  async look(): Promise<Look> {
    const schema = await this.#readSchema();
    this.#schema = schema;
    this.#people = findPeople(schema);
    const { ways, refused } = this.#people;
    const types = Object.keys(schema.getTypeMap()).filter((name) => !name.startsWith('__')).length;
    const findings: Finding[] = [
      { step: 'look', text: `The schema has ${types} types. ${ways.length} fields find a person by a key.` },
      ...refused.slice(0, 10).map(({ field, reason }): Finding => ({
        step: 'look',
        text: `${field} returns a person and is not used: ${reason}.`,
        ...(ways.length === 0 ? { isWarning: true } : {}),
      })),
    ];
    return { candidates: ways.map(({ field, evidence }) => ({ name: field, evidence })), findings };
  }

  async #readSchema(): Promise<GraphQLSchema> {
    const { target } = this.#options;
    if (target.path !== undefined) {
      const text = target.text ?? '';
      if (!isIntrospection(text)) return schemaOfSdl(text);
      const schema = schemaOfIntrospection(dataIn(text));
      if (schema !== undefined) return schema;
      throw new InvalidInputError('The file is not the answer to an introspection query.');
    }
    const { data, errors } = await this.#probe.query(INTROSPECTION);
    const schema = schemaOfIntrospection(data);
    if (schema !== undefined) return schema;
    const code = errors[0]?.code;
    throw new InvalidInputError(
      `The system does not describe itself: its introspection is off${code === undefined ? '' : ` (${code})`}. ` +
        `Save its schema as SDL, such as schema.graphql, set ${variableOf(this.#options.source, 'URL')} to the address, and pass the file instead of the address.`,
    );
  }

  async measure(candidate: Candidate): Promise<Measured> {
    const schema = this.#schema;
    const chosen = this.#people.ways.find(({ field }) => field === candidate.name);
    if (schema === undefined || chosen === undefined)
      throw new InvalidInputError(`${candidate.name} is not a field that finds a person.`);
    const { source, budget } = this.#options;
    const ways = waysOf(chosen, this.#people.ways);
    const single = this.#people.ways.find(
      (way) =>
        way.record === chosen.record && way.kind === 'id' && way.takes === 'key' && way.rows === undefined,
    );
    const plan = planTypes(schema, chosen, single, source);
    const measurer = new GraphqlMeasurer(this.#probe, budget, plan);
    const sampleField = sampleFieldOf(schema, chosen.record, SAMPLE_SIZE);
    if (sampleField !== undefined) await measurer.sample(sampleField);
    const measured = await this.#measureWays(measurer, ways, chosen);
    await measurer.measureLists();
    const types = draftTypesOf(plan, {
      records: measurer.records,
      rows: new Map([...measurer.listAnswers].map(([call, rows]) => [call, [...rows.values()].flat()])),
    });
    return {
      draft: this.#draftOf(schema, measured, types, measurer),
      findings: [...plan.findings, ...types.findings, ...measurer.findings, ...this.#latency()],
      values: { [variableOf(source, 'URL')]: this.#url.href, ...this.#credentials.values },
    };
  }

  /** Measures the chosen way, and one of each other kind of key. */
  async #measureWays(
    measurer: GraphqlMeasurer,
    ways: readonly PersonWay[],
    chosen: PersonWay,
  ): Promise<MeasuredWay[]> {
    const { budget, questions } = this.#options;
    const measured: MeasuredWay[] = [];
    for (const way of ways) {
      if (way !== chosen && budget.left < CALLS_OF_A_WAY) {
        measurer.findings.push({
          step: 'measure',
          text: `${way.field} was not measured, because too few calls were left. Allow more with --calls.`,
          isWarning: true,
        });
        continue;
      }
      const sampled = valuesAt(measurer.records, way.keyPath).map(String);
      const known =
        sampled.length > 0
          ? sampled
          : await questions.keys(
              way.kind,
              `${way.field} is measured with the key of a person that the system knows.`,
            );
      const result = await measurer.measureWay(way, known);
      if (!('refusedBecause' in result)) measured.push(result);
      else if (way === chosen)
        throw new InvalidInputError(`${result.refusedBecause}. Choose another field with --by.`);
      else
        measurer.findings.push({
          step: 'measure',
          text: `${result.refusedBecause}. It is not used.`,
          isWarning: true,
        });
    }
    return measured;
  }

  #draftOf(
    schema: GraphQLSchema,
    ways: readonly MeasuredWay[],
    types: DraftTypes,
    measurer: GraphqlMeasurer,
  ): Draft {
    const { source } = this.#options;
    const url = variableOf(source, 'URL');
    const points = pointsIn(this.#probe.extensions);
    const codes = ways.flatMap(({ missing }) => (typeof missing === 'object' ? [missing.code] : []));
    if (points !== undefined)
      measurer.findings.push({
        step: 'measure',
        text: 'The system counts the cost of calls in points. No call was refused, so the code THROTTLED is an assumption: check it.',
        isWarning: true,
      });
    const errors = {
      ...Object.fromEntries(codes.map((code) => [code, 'nothing'])),
      ...(points === undefined ? {} : { THROTTLED: 'rate-limited' }),
    };
    const latencyMs = latencyOf(this.#probe.times);
    const measuredAs = latencyMs === undefined ? {} : { latencyMs };
    return {
      source,
      kind: 'graphql',
      connect: {
        graphql: `\${${url}}`,
        ...(this.#credentials.auth === undefined ? {} : { auth: this.#credentials.auth }),
        ...(Object.keys(errors).length === 0 ? {} : { errors }),
        ...(points === undefined ? {} : { points }),
      },
      variables: { [url]: 'The address of the GraphQL endpoint.', ...this.#credentials.variables },
      limits: limitsOf(this.#probe.times),
      system: { description: sdlOf(schema) },
      calls: {
        ...Object.fromEntries(
          ways.map((measured) => {
            const { way, answers } = measured;
            const call = personCallOf(measured);
            const all = withSamples(way, answers, measurer.records);
            return [
              camelCase(['by', ...wordsOf(way.kind)]),
              {
                ...{ call, key: way.keyPath, findsCustomers: true, isUnique: way.isUnique },
                recorded: { call, answers: all, ...measuredAs },
              } as DraftCall,
            ];
          }),
        ),
        ...Object.fromEntries(
          types.lists.map((list) => {
            const call = listCallOf(list, measurer);
            const answers = Object.fromEntries(measurer.listAnswers.get(list.call) ?? []);
            return [
              list.call,
              {
                ...{ call, key: list.keyPath, findsCustomers: false, isUnique: false },
                recorded: { call, answers, ...measuredAs },
              } as DraftCall,
            ];
          }),
        ),
      },
      customer: types.customer,
      types: types.types,
    };
  }

  #latency(): Finding[] {
    const latency = latencyOf(this.#probe.times);
    return latency === undefined
      ? []
      : [
          {
            step: 'measure',
            text: `Latency of the calls: ${latency.p50} ms (p50), ${latency.p95} ms (p95).`,
          },
        ];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The chosen way, and the best one of each other kind of key for the same records. */
function waysOf(chosen: PersonWay, all: readonly PersonWay[]): PersonWay[] {
  const byKind = new Map<string, PersonWay>([[chosen.kind, chosen]]);
  for (const way of all) if (way.record === chosen.record && !byKind.has(way.kind)) byKind.set(way.kind, way);
  return [...byKind.values()];
}

/** The call in the syntax of a declaration. */
function personCallOf({ way, maxBatch, matching }: MeasuredWay): Record<string, unknown> {
  return {
    field: way.field,
    ...(way.keyType === 'ID' ? {} : { keys: way.keyType }),
    ...(way.rows === undefined ? {} : { rows: way.rows }),
    ...(way.hasPages ? { page: { maxItems: way.takes === 'keys' ? 10 * maxBatch : MAX_ITEMS } } : {}),
    key: way.keyPath,
    ...(matching === undefined ? {} : { matching }),
    maxBatch,
  };
}

function listCallOf(list: PlannedList, { pageSizes }: GraphqlMeasurer): Record<string, unknown> {
  const size = pageSizes.get(list.call);
  return {
    field: size === undefined ? list.field : withSize(list.field, size),
    ...(list.keyType === 'ID' ? {} : { keys: list.keyType }),
    rows: list.rows,
    ...(list.hasPages
      ? { page: { maxItems: MAX_ITEMS, maxPages: Math.ceil(MAX_ITEMS / (size ?? 50)) + 1 } }
      : {}),
  };
}

/** Rows by key: the measured ones and the samples. */
function withSamples(
  { keyPath }: PersonWay,
  answers: ReadonlyMap<string, readonly unknown[]>,
  records: readonly unknown[],
): Record<string, unknown[]> {
  const all = new Map<string, unknown[]>();
  for (const record of records)
    for (const key of valuesAt([record], keyPath)) {
      const text = String(key);
      all.set(text, [...(all.get(text) ?? []), record]);
    }
  for (const [key, rows] of answers) if (!all.has(key)) all.set(key, [...rows]);
  return Object.fromEntries(all);
}

/** The data of a saved introspection, with or without its member `data`. */
function dataIn(text: string): unknown {
  try {
    const parsed = JSON.parse(text) as { data?: unknown };
    return parsed.data ?? parsed;
  } catch {
    return undefined;
  }
}
