import { InvalidInputError } from '../errors.js';
import { SettingsReader, type Environment } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import { observe, type Drift, type Observed } from './drift.js';
import { KeyReader } from './keys.js';
import { openLiveSystem } from './live-system.js';
import { queryByKey, shownErrors, type GatewayUnderTest } from './promise.js';
import { queriesOf } from './queries.js';
import { allKeys } from './recorded-rows.js';
import { recordingSchema, type Recording } from './recording.js';
import { openGateway, startTestedSource, type TestDependencies } from './test-source.js';

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
  const live = await openLiveSystem(source, recording, environment);
  let observed: Observed;
  try {
    observed = await observe(recording, live, {
      ...{ key, firstCalls, keyReader },
      namespaces: new Map([
        ...namespacesOfCalls(source),
        ...firstCalls.map((call) => [call, by.namespace] as const),
      ]),
    });
  } finally {
    await live.close();
  }
  const { answers } = observed;
  const isKnown = firstCalls.some((call) => [...(answers.get(call)?.values() ?? [])].flat().length > 0);
  if (!isKnown && observed.drift.length === 0)
    throw new InvalidInputError(
      `${source.name} has no record with this ${by.namespace}. Use the key of a record that it has.`,
    );
  const checked = { source, sdl, recording, environment, by: { namespace: by.namespace, key } };
  const queried = isKnown ? await queryLive(checked, answers, dependencies) : [];
  return {
    source: source.name,
    drift: [...observed.drift, ...queried],
    notChecked: Object.keys(recording.calls).filter(
      (call) =>
        [...(answers.get(call)?.values() ?? [])].flat().length === 0 &&
        !observed.drift.some((found) => found.call === call),
    ),
  };
}

/** By call that finds customers or companies, the namespace of its keys. */
function namespacesOfCalls({ identity, companies }: SourceDefinition): [call: string, namespace: string][] {
  return [
    ...Object.entries(identity?.foundBy ?? {}).map(([namespace, { loader }]) => [loader.name, namespace]),
    ...Object.entries(companies?.foundBy ?? {}).map(([namespace, { name }]) => [name, namespace]),
  ] as [string, string][];
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

interface CheckedSource {
  source: SourceDefinition;
  sdl: string | undefined;
  recording: Recording;
  environment: Environment;
  by: { namespace: string; key: string };
}

/** Queries the live records by the key, to compare them with the mapping and the SDL. */
async function queryLive(
  { source, sdl, recording, environment, by: { namespace, key } }: CheckedSource,
  answers: Observed['answers'],
  dependencies: TestDependencies,
): Promise<Drift[]> {
  const started =
    recording.kind === 'sql' || recording.kind === 'files'
      ? openOnSystem({ source, sdl, environment }, dependencies)
      : await startTestedSource({ source, sdl, recording: withAnswers(recording, answers) }, dependencies);
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

/** The live rows as a recording. They are served in memory, so the system is not called again. */
function withAnswers(recording: Recording, answers: Observed['answers']): Recording {
  return recordingSchema.parse({
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
}

/** A gateway that queries the system itself. The rows of a database and of files are in tables, not in answers. */
function openOnSystem(
  {
    source,
    sdl,
    environment,
  }: { source: SourceDefinition; sdl: string | undefined; environment: Environment },
  dependencies: TestDependencies,
): { gateway: GatewayUnderTest; close: () => Promise<void> } {
  const settings = source.connector.settings(new SettingsReader(environment));
  const ofSource = Object.fromEntries(settings.map(({ variable }) => [variable, environment[variable]]));
  const gateway = openGateway({ source, sdl, environment: ofSource, mode: 'long timeout' }, dependencies);
  return { gateway, close: () => gateway.close() };
}
