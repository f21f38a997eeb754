import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve, sep } from 'node:path';
import { soapConnect } from '../../declared/soap-grammar.js';
import { soapKind } from '../../declared/soap.js';
import { InvalidInputError } from '../../errors.js';
import { timeout } from '../../resilience/timeout.js';
import { SettingsReader } from '../../settings.js';
import { DEFAULT_MAX_ANSWER_BYTES } from '../../source.js';
import { createLogger } from '../../telemetry/logger.js';
import type { Draft, DraftCall, Finding } from '../draft.js';
import { credentialsOf, httpSystem, latencyOf, limitsOf, plainAddress, variableOf } from '../http-system.js';
import type { Credentials, HttpSystem } from '../http-system.js';
import type { Candidate, Look, Measured, ReaderOptions, SystemReader } from '../reader.js';
import { groupBy, shownList } from '../tables/table.js';
import { recordTypes } from './soap-draft.js';
import { CALLS_OF_OPERATION, unknownKeyOf, SoapMeasurer, type MeasuredOperation } from './soap-measure.js';
import { findPeople, type PersonOperation } from './soap-operations.js';
import { readWsdl, type WsdlModel } from './wsdl-model.js';

const TIMEOUT_MS = 30_000;
/** The folder of declarations in a project. The gateway reads a WSDL there at each start. */
const DECLARATIONS = 'sources';

export class SoapReader implements SystemReader {
  readonly #options: ReaderOptions;
  readonly #variable: string;
  readonly #credentials: Credentials;
  readonly #system: HttpSystem;
  #wsdl: WsdlModel | undefined;
  #text = '';
  #people: readonly PersonOperation[] = [];

  constructor(options: ReaderOptions) {
    const { source, target, environment, budget } = options;
    this.#options = options;
    this.#variable = variableOf(source, 'URL');
    this.#credentials = credentialsOf(source, environment, target.url);
    this.#system = httpSystem(budget, this.#credentials);
  }

  async look(): Promise<Look> {
    const { target } = this.#options;
    const at = target.path ?? plainWsdl(target.url).href;
    this.#text = target.text ?? (await this.#fetch(at));
    this.#wsdl = await readWsdl(this.#text, at, (location, from) => this.#readImport(location, from));
    const { operations, refused: notCallable } = this.#wsdl;
    const { people, refused } = findPeople(operations);
    this.#people = people;
    const reasons = groupBy([...notCallable, ...refused], ({ reason }) => reason);
    return {
      candidates: people.map(({ operation: { name }, evidence }) => ({ name, evidence })),
      findings: [
        {
          step: 'look',
          text: `The WSDL has ${operations.length + notCallable.length} operations. ${people.length} of them find a person or a company by one key.`,
        },
        ...[...reasons].map(([reason, all]): Finding => ({
          step: 'look',
          text: `Not used, because ${reason}: ${shownList(all.map(({ operation }) => operation))}.`,
          ...(people.length === 0 ? { isWarning: true } : {}),
        })),
      ],
    };
  }

  async #fetch(address: string): Promise<string> {
    const answer = await this.#system.send({
      method: 'GET',
      url: new URL(address),
      headers: { accept: 'text/xml' },
    });
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    throw new InvalidInputError(
      `The service does not return its WSDL (status ${answer.status}). Check the address, or save the WSDL in the folder ${DECLARATIONS} of the project and pass the file.`,
    );
  }

  /** Reads an import, only from the folder of the file or from the same server. */
  async #readImport(location: string, from: string): Promise<{ text: string; at: string }> {
    const { path } = this.#options.target;
    const refused = new InvalidInputError('The WSDL imports a document from outside its own location.');
    if (path === undefined) {
      const url = new URL(location, from);
      if (url.origin !== new URL(from).origin) throw refused;
      return { text: await this.#fetch(url.href), at: url.href };
    }
    const file = resolve(dirname(from), location);
    if (!file.startsWith(`${dirname(path)}${sep}`)) throw refused;
    return { text: await readFile(file, 'utf8'), at: file };
  }

  async measure(candidate: Candidate): Promise<Measured> {
    const chosen = this.#people.find(({ operation }) => operation.name === candidate.name);
    if (chosen === undefined || this.#wsdl === undefined)
      throw new InvalidInputError(`${candidate.name} is not an operation that finds a person.`);
    const { source, budget } = this.#options;
    const { connect, values } = this.#connectOf(chosen, this.#wsdl);
    const connection = this.#open(connect, values);
    const client = connection.client({
      run: async (call) => (await budget.run(() => timeout(source, TIMEOUT_MS, call))).value,
      ...{ slowDown: () => undefined, limitMaxAge: () => undefined, headers: {} },
    });
    try {
      const measurer = new SoapMeasurer(source, budget, client);
      const measured = await this.#measureAll(measurer, chosen);
      return this.#measuredOf(measurer, measured, { connect, values });
    } finally {
      await connection.close();
    }
  }

  #open(connect: Draft['connect'], values: Readonly<Record<string, string | undefined>>) {
    const { source, target } = this.#options;
    const problems: string[] = [];
    const connector = soapKind.compileConnector(
      soapConnect.parse(connect),
      {
        ...{ source, place: ['connect'], report: (_, problem) => problems.push(problem) },
        folder: target.path === undefined ? undefined : dirname(target.path),
      },
      false,
    );
    if (problems.length > 0) throw new InvalidInputError(problems.join(' '));
    const settings = new SettingsReader(values);
    const connection = connector.connect(settings, {
      ...{ source, timeoutMs: TIMEOUT_MS, maxAnswerBytes: DEFAULT_MAX_ANSWER_BYTES },
      logger: createLogger('silent'),
    });
    settings.throwIfWrong();
    return connection;
  }

  /** Measures the chosen operation, and one of each other kind of key for the same records. */
  async #measureAll(measurer: SoapMeasurer, chosen: PersonOperation): Promise<MeasuredOperation[]> {
    const { budget, questions } = this.#options;
    const kinds = new Map([[chosen.kind, chosen]]);
    for (const person of this.#people)
      if (!kinds.has(person.kind) && namesOf(person) === namesOf(chosen)) kinds.set(person.kind, person);
    const measured: MeasuredOperation[] = [];
    for (const [kind, person] of kinds) {
      const { name } = person.operation;
      if (person !== chosen && budget.left < CALLS_OF_OPERATION) continue;
      const keys = await questions.keys(
        kind,
        `${name} is measured with the key of a person that the service knows.`,
      );
      if (keys.length === 0)
        measurer.findings.push({
          step: 'measure',
          text: `${name} was measured without a known key, so there are no samples. Pass one with --key ${kind}=...`,
          isWarning: true,
        });
      const result = await measurer.measure(person, keys);
      if (!('refusedBecause' in result)) measured.push(result);
      else if (person === chosen)
        throw new InvalidInputError(`${result.refusedBecause}. Choose another operation with --by.`);
      else
        measurer.findings.push({
          step: 'measure',
          text: `${result.refusedBecause}. It is not used.`,
          isWarning: true,
        });
    }
    return measured;
  }

  #measuredOf(
    measurer: SoapMeasurer,
    measured: readonly MeasuredOperation[],
    { connect, values }: { connect: Draft['connect']; values: Readonly<Record<string, string | undefined>> },
  ): Measured {
    const { source } = this.#options;
    const [first] = measured;
    if (first === undefined) throw new TypeError('No operation was measured.');
    const idPath = measured.find(({ found }) => isId(found))?.keyPath;
    const { customer, types, leftOut } = recordTypes({
      ...{ source, name: recordName(first.found), record: first.found.record, id: idPath },
      samples: measured.flatMap(({ answers }) => [...answers.values()].flat()),
    });
    const latencyMs = latencyOf(measurer.times);
    const faults = Object.fromEntries(
      measured.flatMap(({ faultOfUnknown: code }) => (code === undefined ? [] : [[code, 'nothing']])),
    );
    const draft: Draft = {
      ...{ source, kind: 'soap' },
      connect: { ...connect, ...(Object.keys(faults).length === 0 ? {} : { faults }) },
      variables: { [this.#variable]: 'The address of the SOAP service.', ...this.#credentials.variables },
      limits: limitsOf(measurer.times),
      system: { description: this.#text },
      calls: Object.fromEntries(
        measured.map(({ found, call, keyPath, answers }) => [
          `by${found.kind.charAt(0).toUpperCase()}${found.kind.slice(1)}`,
          {
            ...{ call, key: keyPath ?? found.kind, findsCustomers: true, isUnique: isId(found) },
            recorded: {
              call,
              answers: Object.fromEntries(answers),
              ...(latencyMs === undefined ? {} : { latencyMs }),
            },
          } as DraftCall,
        ]),
      ),
      ...{ customer, types },
    };
    return {
      ...{ draft, values },
      findings: [
        ...[...leftOut].map(([because, paths]): Finding => ({
          step: 'look',
          text: `Left out, because ${because}: ${shownList(paths)}.`,
        })),
        ...measurer.findings,
        ...(latencyMs === undefined
          ? []
          : [
              {
                step: 'measure',
                text: `Latency of the calls: ${latencyMs.p50} ms (p50), ${latencyMs.p95} ms (p95).`,
              } satisfies Finding,
            ]),
        {
          step: 'measure',
          text: 'The command "stekkerdoos test" cannot imitate a SOAP service. Test the source with describeSource() of stekkerdoos/testing.',
          isWarning: true,
        },
      ],
    };
  }

  #connectOf(chosen: PersonOperation, { address, version }: WsdlModel) {
    const { target, environment } = this.#options;
    const stated = address !== undefined && URL.canParse(address) ? new URL(address) : undefined;
    const place =
      target.path === undefined
        ? placeOfAddress(plainWsdl(target.url), stated)
        : placeOfFile(target.path, environment[this.#variable] ?? stated?.href, this.#variable);
    const { auth } = this.#credentials;
    const usesToken = /\bUsernameToken\b/.test(this.#text) && auth?.['basic'] !== undefined;
    return {
      connect: {
        soap: `\${${this.#variable}}`,
        ...place.members,
        ...(version === '1.1' ? {} : { version }),
        ...(usesToken ? { usernameToken: auth['basic'] } : auth === undefined ? {} : { auth }),
        ping: {
          operation: chosen.operation.name,
          parts: fill(chosen.parts, unknownKeyOf(chosen, undefined)),
        },
      },
      values: { [this.#variable]: place.address, ...this.#credentials.values },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The address of a WSDL without credentials. */
function plainWsdl(url: URL | undefined): URL {
  if (url === undefined)
    throw new InvalidInputError('A SOAP service is connected by its WSDL: an address or a file.');
  const plain = plainAddress(url);
  plain.search = url.search;
  return plain;
}

interface ServicePlace {
  address: string;
  /** Members of `connect`. */
  members: { wsdl: string; path?: string };
}

/** Calls go to the server that has the WSDL, because the address in it is often one of another network. */
function placeOfAddress(wsdl: URL, stated: URL | undefined): ServicePlace {
  const path = stated?.pathname ?? wsdl.pathname.replace(/\.wsdl$/i, '');
  return {
    address: wsdl.origin,
    members: { wsdl: `${wsdl.pathname}${wsdl.search}`, ...(path === '/' ? {} : { path }) },
  };
}

function placeOfFile(path: string, address: string | undefined, variable: string): ServicePlace {
  if (basename(dirname(path)) !== DECLARATIONS)
    throw new InvalidInputError(
      `The gateway reads the WSDL at each start. Save it in the folder ${DECLARATIONS} of the project, and pass that file.`,
    );
  if (address === undefined)
    throw new InvalidInputError(`The WSDL does not have the address of the service. Set ${variable} to it.`);
  return { address, members: { wsdl: basename(path) } };
}

/** The parts with an unknown key. */
function fill(parts: unknown, key: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parts as Readonly<Record<string, unknown>>).map(([name, value]) => [
      name,
      typeof value === 'string' ? filled(value, key) : fill(value, key),
    ]),
  );
}

function filled(template: string, key: string): string | number {
  const [, part, length] = /\|(first|after) (\d)/.exec(template) ?? [];
  if (part === 'first') return key.slice(0, Number(length));
  if (part === 'after') return key.slice(Number(length));
  return template.includes('|number') ? Number(key) : key;
}

/** Whether a key is unique: the system's own numbers are. */
function isId({ kind }: PersonOperation): boolean {
  return !/^(email|phone)$/.test(kind);
}

function namesOf({ record }: PersonOperation): string {
  return record.map(({ name }) => name).join();
}

/** The name of the record: the name of its element, or that of the operation without its verb. */
function recordName({ rows, operation }: PersonOperation): string {
  const last = rows
    ?.split('.')
    .at(-1)
    ?.replace(/(Result|Response|Return|Output)$/i, '');
  const plain = operation.name.replace(
    /^(get|find|search|lookup|read|check|fetch|retrieve|query|load)(?=[A-Z_])/i,
    '',
  );
  const withoutKey = plain.replace(/By[A-Z]\w*$/, '');
  return last !== undefined && last !== '' && !/^(get|find|return|result)/i.test(last) ? last : withoutKey;
}
