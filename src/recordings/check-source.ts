import { InvalidInputError } from '../errors.js';
import type { Environment } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import { observe, type Drift, type Observed } from './drift.js';
import { KeyReader } from './keys.js';
import { openLiveSystem } from './live-system.js';
import { queryByKey, shownErrors } from './promise.js';
import { queriesOf } from './queries.js';
import { allKeys } from './recorded-rows.js';
import { recordingSchema, type Recording } from './recording.js';
import { startTestedSource, type TestDependencies } from './test-source.js';

/** The result of a check of one source. */
export interface CheckReport {
  source: string;
  drift: readonly Drift[];
  /** Calls that were not checked, because they have no record for the key. */
  notChecked: readonly string[];
}

/**
 * Compares the live system with the recording and the SDL. It only reads. It sends each measured call with
 * the key or a key from its rows, with an unknown key, and with as many keys as the measured batch size.
 */
export async function checkSource(
  {
    source,
    sdl,
    recording,
    environment,
    by,
  }: {
    source: SourceDefinition;
    sdl: string | undefined;
    recording: Recording;
    environment: Environment;
    by: { namespace: string; value: string };
  },
  dependencies: TestDependencies,
): Promise<CheckReport> {
  const keyReader = new KeyReader(source);
  const key = keyReader.canonical(by.namespace, by.value);
  if (key === undefined) throw new InvalidInputError(`The value of --key is not a ${by.namespace}.`);
  const firstCalls = callsBy(source, recording, by.namespace, keyReader);
  if (firstCalls.length === 0)
    throw new InvalidInputError(
      `No recorded call of ${source.name} takes ${by.namespace}. Its calls take ${[
        ...Object.keys(source.identity?.foundBy ?? {}),
        ...Object.keys(source.companies?.foundBy ?? {}),
        ...(source.heldIdentifiers ?? []),
      ].join(', ')}.`,
    );
  const live = openLiveSystem(source, recording, environment);
  let observed: Observed;
  try {
    observed = await observe(recording, live, { namespace: by.namespace, key, firstCalls, keyReader });
  } finally {
    await live.close();
  }
  const { answers } = observed;
  const isKnown = firstCalls.some((call) => [...(answers.get(call)?.values() ?? [])].flat().length > 0);
  if (!isKnown && observed.drift.length === 0)
    throw new InvalidInputError(
      `${source.name} has no record with this ${by.namespace}. Use the key of a record that it has.`,
    );
  const replayed = isKnown
    ? await replay({ source, sdl, recording, namespace: by.namespace, key }, answers, dependencies)
    : [];
  return {
    source: source.name,
    drift: [...observed.drift, ...replayed],
    notChecked: Object.keys(recording.calls).filter(
      (call) =>
        [...(answers.get(call)?.values() ?? [])].flat().length === 0 &&
        !observed.drift.some((found) => found.call === call),
    ),
  };
}

/** The calls that take identifiers of the namespace. */
function callsBy(
  { identity, companies }: SourceDefinition,
  recording: Recording,
  namespace: string,
  keyReader: KeyReader,
): string[] {
  const companyLoaders: Readonly<Record<string, { name: string } | undefined>> = companies?.foundBy ?? {};
  const declared = identity?.foundBy[namespace]?.loader.name ?? companyLoaders[namespace]?.name;
  if (declared !== undefined && recording.calls[declared] !== undefined) return [declared];
  return Object.keys(recording.calls).flatMap((name) => {
    const keys = allKeys(recording, name);
    return keys.length > 0 && keys.every((held) => keyReader.canonical(namespace, held) !== undefined)
      ? [name]
      : [];
  });
}

/** Answers the queries of the source with the live rows, to compare them with its mapping and SDL. */
async function replay(
  {
    source,
    sdl,
    recording,
    namespace,
    key,
  }: {
    source: SourceDefinition;
    sdl: string | undefined;
    recording: Recording;
    namespace: string;
    key: string;
  },
  answers: Observed['answers'],
  dependencies: TestDependencies,
): Promise<Drift[]> {
  // The rows of a database are in its tables, not in answers.
  if (recording.kind === 'sql' || recording.kind === 'files') return [];
  const liveRecording = recordingSchema.parse({
    ...recording,
    calls: Object.fromEntries(
      Object.entries(recording.calls).map(([name, recorded]) => [
        name,
        {
          ...recorded,
          answers: Object.fromEntries(
            [...(answers.get(name) ?? [])].map(([held, rows]) => [held, [...rows]]),
          ),
        },
      ]),
    ),
  });
  const started = await startTestedSource({ source, sdl, recording: liveRecording }, dependencies);
  if ('refusal' in started) return [];
  const { gateway, close } = started;
  try {
    const { customer, company } = queriesOf(gateway, source);
    const isCompany = source.companies !== undefined && Object.hasOwn(source.companies.foundBy, namespace);
    const [root, query] = isCompany ? (['company', company] as const) : (['customer', customer] as const);
    if (query === undefined) return [];
    const answer = await queryByKey(gateway, { root, namespace, keys: [], query }, key);
    if (answer.errors.length > 0)
      return [{ severity: 'breaking', text: `does not fit the declaration: ${shownErrors(answer)}` }];
    return answer.data?.[root] == null
      ? [{ severity: 'breaking', text: `is read, but finds no ${root} by ${namespace}` }]
      : [];
  } finally {
    await close();
  }
}
