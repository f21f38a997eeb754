import { InvalidInputError } from '../../errors.js';
import type { Finding } from '../draft.js';
import { httpSystem, plainAddress, variableOf, type Credentials, type HttpSystem } from '../http-system.js';
import type { Candidate, Look, Measured, ReaderOptions, SystemReader } from '../reader.js';
import { valuesAt } from '../values.js';
import {
  curlHeaders,
  describedCredentials,
  describedVariables,
  headerVariable,
  requiredHeaders,
  withHeaders,
} from './credentials.js';
import { isCurl, parseCurl } from './curl.js';
import { curlPeople, type CurlPeople } from './curl-people.js';
import { readDescription, type Description } from './description.js';
import { draftOf, type MeasuredList, type MeasuredWay } from './rest-draft.js';
import { keyPathOfList, relatedListsOf, sampleListOf } from './lists.js';
import { ListMeasurer } from './list-measure.js';
import { RestMeasurer } from './measure.js';
import { find, startMeasuring, type Measuring } from './measuring.js';
import { findPeople, isReadingPost } from './people.js';
import { restProbe, type RestProbe } from './probe.js';
import type { PersonWay, RelatedList } from './way.js';

/** Another way is measured only if at least this many calls are left. */
const CALLS_OF_A_WAY = 4;

/** The state of the reader before measuring. */
interface Opened {
  base: URL;
  credentials: Credentials;
  probe: RestProbe;
  accept?: string;
  description?: Description;
  fromCurl?: CurlPeople;
}

export class RestReader implements SystemReader {
  readonly #options: ReaderOptions;
  #opened: Opened | undefined;
  #ways: readonly PersonWay[] = [];

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  async look(): Promise<Look> {
    const text = this.#options.target.text ?? (await this.#readAddress());
    return isCurl(text) ? this.#readCurl(text) : this.#readOpenapi(text);
  }

  async #readAddress(): Promise<string> {
    const { target, budget, source, environment } = this.#options;
    if (target.url === undefined)
      throw new InvalidInputError('There is neither a file nor an address of an OpenAPI document.');
    const url = target.url;
    const none: Credentials = { headers: {}, variables: {}, values: {} };
    const withToken = describedCredentials(source, environment, {
      version: '',
      operations: [],
      schemes: [],
      externalReferences: 0,
    });
    const load = async (credentials: Credentials) =>
      httpSystem(budget, credentials).send({
        method: 'GET',
        url,
        headers: { accept: 'application/json, application/yaml, */*' },
      });
    let answer = await load(none);
    if (answer.status === 401 || answer.status === 403) answer = await load(withToken);
    if (answer.status !== 200)
      throw new InvalidInputError(
        `The address of the OpenAPI document was answered with status ${answer.status}. Save the document, and pass the file.`,
      );
    return answer.text;
  }

  async #readOpenapi(text: string): Promise<Look> {
    const { source, environment, target } = this.#options;
    const description = readDescription(text);
    const { ways, refused } = findPeople(description);
    this.#ways = ways;
    const findings: Finding[] = [
      {
        step: 'look',
        text: `The description (OpenAPI ${description.version}) has ${description.operations.length} calls by GET and POST. ${ways.length} ways find a person by a key.`,
      },
      ...refused.slice(0, 10).map(({ name, reason }): Finding => ({
        step: 'look',
        text: `${name} returns a person and is not used: ${reason}.`,
        ...(ways.length === 0 ? { isWarning: true } : {}),
      })),
    ];
    if (description.externalReferences > 0)
      findings.push({
        step: 'look',
        text: `${description.externalReferences} references to other documents were not read. Pass a document that contains all of its schemas.`,
        isWarning: true,
      });
    const base = this.#baseOf(description);
    const required = requiredHeaders(description);
    const credentials = withHeaders(
      source,
      describedCredentials(source, environment, description, target.url),
      Object.fromEntries(required.map((name) => [name, environment[headerVariable(source, name)]])),
    );
    for (const name of required)
      if (environment[headerVariable(source, name)] === undefined)
        findings.push({
          step: 'look',
          text: `The description requires the header ${name}. Set ${headerVariable(source, name)} to its value.`,
          isWarning: true,
        });
    const variables = describedVariables(source, description);
    if (variables !== undefined && Object.keys(credentials.values).length === 0)
      findings.push({
        step: 'look',
        text: `The description declares credentials, and none are set. Set ${variables}.`,
        isWarning: true,
      });
    if (environment[variableOf(source, 'URL')] === undefined)
      findings.push({
        step: 'look',
        text: `The calls go to ${base.origin}. ${variableOf(source, 'URL')} sets another address.`,
      });
    this.#opened = { base, credentials, description, probe: this.#probeOf(base, credentials, {}, variables) };
    return Promise.resolve({ candidates: ways.map(candidateOf), findings });
  }

  #baseOf({ address = '' }: Description): URL {
    const { source, environment, target } = this.#options;
    const variable = variableOf(source, 'URL');
    const set = environment[variable];
    if (set !== undefined && URL.canParse(set)) return plainAddress(new URL(set));
    if (URL.canParse(address, target.url?.href)) return plainAddress(new URL(address, target.url));
    throw new InvalidInputError(
      `The description does not have the address of the system. Set ${variable} to it.`,
    );
  }

  #probeOf(
    base: URL,
    credentials: Credentials,
    headers: Readonly<Record<string, string>>,
    declared?: string,
  ): RestProbe {
    const { budget, source } = this.#options;
    const system: HttpSystem = httpSystem(budget, credentials);
    const variables = declared ?? `${variableOf(source, 'TOKEN')}, or _USER and _PASSWORD, or _KEY`;
    return restProbe({ system, budget, base, headers, credentials, variables });
  }

  async #readCurl(text: string): Promise<Look> {
    const { source } = this.#options;
    const command = parseCurl(text);
    if (command.method === 'POST' && !isReadingPost({ path: command.url.pathname, text: '' }))
      throw new InvalidInputError(
        'The curl command sends a POST to an address that does not suggest a search, so it may change something. Nothing was sent. Use a call that only reads.',
      );
    const { credentials: plain, accept, others } = curlHeaders(source, command);
    const credentials = withHeaders(
      source,
      plain,
      Object.fromEntries(others.map((name) => [name, command.headers[name]])),
    );
    const base = new URL(command.url.origin);
    const probe = this.#probeOf(base, credentials, accept === undefined ? {} : { accept });
    const sent = await probe.send(
      {
        method: command.method,
        path: `${command.url.pathname}${command.url.search}`,
        query: {},
        ...(command.body === undefined ? {} : { body: jsonOf(command.body) }),
      },
      [],
    );
    const people = curlPeople(command, sent);
    this.#ways = people.ways;
    this.#opened = {
      base,
      credentials,
      probe,
      fromCurl: people,
      ...(accept === undefined ? {} : { accept }),
    };
    const findings: Finding[] = [
      {
        step: 'look',
        text: `The call of the curl command returned ${people.records.length} records. ${people.ways.length} values in it find a person.`,
      },
    ];
    return { candidates: people.ways.map(candidateOf), findings };
  }

  async measure(candidate: Candidate): Promise<Measured> {
    const opened = this.#opened;
    const chosen = this.#ways.find(({ name }) => name === candidate.name);
    if (opened === undefined || chosen === undefined)
      throw new InvalidInputError(`${candidate.name} is not a call that finds a person.`);
    const { source, budget } = this.#options;
    const measuring = startMeasuring(opened.probe, budget);
    const listMeasurer = new ListMeasurer(measuring);
    const measurer = new RestMeasurer(measuring, listMeasurer);
    const list =
      opened.description === undefined ? opened.fromCurl?.list : sampleListOf(opened.description, chosen);
    // The list has records without a surrounding object, so a way with one has other paths.
    if (list !== undefined && chosen.within === '') await listMeasurer.sample(list);
    const ways = waysOf(chosen, this.#ways);
    const lists = opened.description === undefined ? [] : relatedListsOf(opened.description, chosen);
    const measured = await this.#measureWays(measurer, measuring, {
      ways,
      fromCurl: opened.fromCurl,
      lists: Math.min(1, lists.length),
    });
    if (measuring.records.length === 0 && opened.fromCurl !== undefined)
      measuring.records.push(...opened.fromCurl.records);
    const measuredLists = await this.#measureLists(listMeasurer, measuring, { lists, chosen });
    const draft = draftOf({
      ...{ source, credentials: opened.credentials, accept: opened.accept, probe: opened.probe },
      ...{ chosen, ways: measured, lists: measuredLists, records: measuring.records, list },
    });
    return {
      draft: draft.draft,
      findings: [...measuring.findings, ...draft.findings],
      values: {
        [variableOf(source, 'URL')]: opened.base.href.replace(/\/$/, ''),
        ...opened.credentials.values,
      },
    };
  }

  /** Measures the chosen way, and one of each other kind of key. */
  async #measureWays(
    measurer: RestMeasurer,
    measuring: Measuring,
    {
      ways,
      fromCurl,
      lists,
    }: { ways: readonly PersonWay[]; fromCurl: CurlPeople | undefined; lists: number },
  ): Promise<MeasuredWay[]> {
    const { budget, questions } = this.#options;
    const found: MeasuredWay[] = [];
    for (const [i, way] of ways.entries()) {
      if (i > 0 && budget.left < CALLS_OF_A_WAY + lists) {
        find(
          measuring,
          `${way.name} was not measured, because too few calls were left. Allow more with --calls.`,
          true,
        );
        continue;
      }
      // The limit of the chosen way matters most. Only the related lists have reserved calls beside it.
      measuring.reserve = lists;
      const sampled = [...new Set(valuesAt(measuring.records, way.keyPath).map(String))].filter(
        (key) => key !== '',
      );
      const sent = fromCurl?.keys.get(way) ?? [];
      const known = [...new Set([...sent, ...sampled])];
      const keys =
        known.length > 0
          ? known
          : await questions.keys(
              way.kind,
              `${way.name} is measured with the key of a person that the system knows.`,
            );
      const measured = await measurer.measureWay(way, keys);
      if (!('refusedBecause' in measured)) found.push({ way, measured });
      else if (i === 0)
        throw new InvalidInputError(`${measured.refusedBecause}. Choose another call with --by.`);
      else find(measuring, `${measured.refusedBecause}. It is not used.`, true);
    }
    return found;
  }

  async #measureLists(
    measurer: ListMeasurer,
    measuring: Measuring,
    { lists, chosen }: { lists: readonly RelatedList[]; chosen: PersonWay },
  ): Promise<MeasuredList[]> {
    const { budget } = this.#options;
    const found: MeasuredList[] = [];
    measuring.reserve = 0;
    for (const list of lists) {
      const keyPath = keyPathOfList(list, chosen);
      const keys =
        keyPath === undefined ? [] : [...new Set(valuesAt(measuring.records, keyPath).map(String))];
      if (keyPath === undefined || keys.length === 0) continue;
      if (budget.left === 0) {
        find(
          measuring,
          `${list.name} was not measured, because no call was left. Allow more with --calls.`,
          true,
        );
        continue;
      }
      const measured = await measurer.measureList(list, keys);
      if (measured !== undefined) found.push({ list, keyPath, measured });
    }
    return found;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function candidateOf({ name, evidence }: PersonWay): Candidate {
  return { name, evidence };
}

/** The chosen way, and the best one of each other kind of key for records of the same form. */
function waysOf(chosen: PersonWay, all: readonly PersonWay[]): PersonWay[] {
  const byKind = new Map<string, PersonWay>([[chosen.kind, chosen]]);
  for (const way of all)
    if (way.thing === chosen.thing && way.within === chosen.within && !byKind.has(way.kind))
      byKind.set(way.kind, way);
  return [...byKind.values()];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
