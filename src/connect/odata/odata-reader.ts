import { InvalidInputError } from '../../errors.js';
import type { Draft, DraftCall, Finding } from '../draft.js';
import {
  credentialsOf,
  httpSystem,
  latencyOf,
  limitsOf,
  plainAddress,
  rateWithin,
  variableOf,
  type Credentials,
  type HttpSystem,
} from '../http-system.js';
import type { Candidate, Look, Measured, ReaderOptions, SystemReader } from '../reader.js';
import { personTables, type PersonTable } from '../tables/person-tables.js';
import { tableDraft } from '../tables/table-draft.js';
import { keyIn, shown, shownList, type Row, type Table } from '../tables/table.js';
import { entityTables } from './entity-tables.js';
import { readMetadata, type OdataModel } from './metadata.js';
import { odataProbe, rateLimitOf, type OdataProbe } from './odata-client.js';
import { OdataMeasurer, type MeasuredService } from './odata-measure.js';
import { flatRow, membersOf, recordedRow } from './odata-query.js';

/** The description of the variable for the address. */
const ADDRESS = 'The address of the OData service, above its entity sets.';

export class OdataReader implements SystemReader {
  readonly #options: ReaderOptions;
  readonly #variable: string;
  readonly #base: URL;
  readonly #credentials: Credentials;
  readonly #system: HttpSystem;
  #model: OdataModel = { version: 4, sets: [] };
  #metadata = '';
  #tables: readonly Table[] = [];
  #persons: readonly PersonTable[] = [];

  constructor(options: ReaderOptions) {
    const { source, target, environment, budget } = options;
    this.#options = options;
    this.#variable = variableOf(source, 'URL');
    const address = target.url?.href ?? environment[this.#variable];
    if (address === undefined || !URL.canParse(address))
      throw new InvalidInputError(
        `The file describes the service but not its address. Set ${this.#variable} to it.`,
      );
    const url = new URL(address);
    this.#base = plainAddress(url);
    this.#base.pathname = this.#base.pathname.replace(/\/\$metadata$/, '').replace(/(?<=.)\/$/, '');
    this.#credentials = credentialsOf(source, environment, url);
    this.#system = httpSystem(budget, this.#credentials);
  }

  async look(): Promise<Look> {
    this.#metadata = await this.#readMetadata();
    this.#model = readMetadata(this.#metadata);
    this.#tables = entityTables(this.#model);
    this.#persons = personTables(this.#tables);
    const names = this.#tables.map(({ name }) => name);
    const findings: Finding[] = [
      {
        step: 'look',
        text: `The service speaks OData ${this.#model.version} and has ${names.length} entity sets. ${this.#persons.length} of them look like persons or organisations.`,
      },
      ...(this.#persons.length > 0
        ? []
        : [
            {
              step: 'look',
              text: `It has ${shownList(names, 12)}. Name the entity set with --by.`,
              isWarning: true,
            } as const,
          ]),
    ];
    return { candidates: this.#persons.map(({ candidate }) => candidate), findings };
  }

  async #readMetadata(): Promise<string> {
    const { target } = this.#options;
    if (/<(?:\w+:)?Edmx\b/.test((target.text ?? '').slice(0, 2_000))) return target.text ?? '';
    const url = new URL(`${this.#base.href.replace(/\/$/, '')}/$metadata`);
    const answer = await this.#system.send({ method: 'GET', url, headers: { accept: 'application/xml' } });
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    throw new InvalidInputError(
      answer.status === 401 || answer.status === 403
        ? `The service refuses the credentials (status ${answer.status}). Set ${variableOf(this.#options.source, 'TOKEN')}, or _USER and _PASSWORD, or _KEY.`
        : `The service has no $metadata at its address (status ${answer.status}). Check that the address is the one above the entity sets.`,
    );
  }

  async measure(candidate: Candidate): Promise<Measured> {
    const person = this.#tables.find(({ name }) => name === candidate.name);
    if (person === undefined) throw new InvalidInputError(`There is no entity set ${shown(candidate.name)}.`);
    const { source, budget, questions } = this.#options;
    const probe = odataProbe(this.#system, {
      ...{ base: this.#base, version: this.#model.version },
      tokenVariable: variableOf(source, 'TOKEN'),
    });
    const measurer = new OdataMeasurer({
      ...{ probe, budget, questions, tables: this.#tables },
      maxLengthOf: (table, column) => this.#maxLengthOf(table, column),
    });
    const measured = await measurer.measure(person);
    const drafted = tableDraft({
      ...{
        source,
        plan: measured.plan,
        persons: measured.persons,
        keys: measured.keys,
        links: measured.links,
      },
      zone: { zone: 'UTC', because: 'a guess' },
      isText: () => false,
      hasConstraints: true,
      latencyMs: latencyOf(probe.times),
    });
    const { findings, rate } = factsOf(probe, measured);
    const draft: Draft = {
      ...{ source, kind: 'odata', connect: this.#connectOf(measured) },
      variables: { [this.#variable]: ADDRESS, ...this.#credentials.variables },
      limits: { ...limitsOf(probe.times), ...rate.limits },
      system: { ...rate.system, description: this.#metadata },
      calls: withAnswers(drafted.calls, measured),
      ...{ customer: drafted.customer, types: drafted.types },
    };
    return {
      draft,
      findings: [
        ...measured.plan.findings,
        ...leftOutOf([measured.plan.person, ...measured.links.map(({ link }) => link.target)]),
        ...measurer.findings,
        ...drafted.findings,
        ...findings,
      ],
      values: { [this.#variable]: this.#base.href, ...this.#credentials.values },
    };
  }

  #maxLengthOf(table: Table, column: string): number | undefined {
    const set = this.#model.sets.find(({ name }) => name === table.name);
    return set?.type.properties.find(({ path }) => path === column)?.maxLength;
  }

  #connectOf({ plan, lists, maxValues, maxUrlLength }: MeasuredService): Draft['connect'] {
    const [first = ''] = plan.person.primaryKey.length > 0 ? plan.person.primaryKey : membersOf(plan.person);
    return {
      odata: `\${${this.#variable}}`,
      ...(this.#credentials.auth === undefined ? {} : { auth: this.#credentials.auth }),
      ping: `/${plan.person.name}?$top=1&$select=${encodeURIComponent(first)}`,
      ...(this.#model.version === 4 ? {} : { version: this.#model.version }),
      ...(lists === 'in' ? { lists } : {}),
      ...(maxValues === undefined ? {} : { maxValues }),
      ...(maxUrlLength === undefined ? {} : { maxUrlLength }),
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The calls with the measured rows, by key. */
function withAnswers(
  calls: Readonly<Record<string, DraftCall>>,
  { plan, keys, links, records, linkRecords }: MeasuredService,
): Record<string, DraftCall> {
  const answersOf = ({ call }: DraftCall): Record<string, Row[]> => {
    const key = keys.find((measured) => measured.call === call);
    if (key !== undefined) return byKey(plan.person, key.key.column.name, records);
    const link = links.find((measured) => measured.call === call);
    return link === undefined ? {} : byKey(link.link.target, link.keyColumn, linkRecords.get(link) ?? []);
  };
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      {
        ...call,
        ...(call.recorded === undefined ? {} : { recorded: { ...call.recorded, answers: answersOf(call) } }),
      } as DraftCall,
    ]),
  );
}

function byKey(table: Table, column: string, records: readonly Row[]): Record<string, Row[]> {
  const rows = new Map<string, Row[]>();
  for (const record of records) {
    const key = keyIn(flatRow(table, record), column);
    if (key !== undefined) rows.set(key, [...(rows.get(key) ?? []), recordedRow(table, record)]);
  }
  return Object.fromEntries(rows);
}

function leftOutOf(tables: readonly Table[]): Finding[] {
  const reasons = new Map<string, string[]>();
  for (const { name, leftOut } of new Set(tables))
    for (const { column, because } of leftOut)
      reasons.set(because, [...(reasons.get(because) ?? []), `${name}.${column}`]);
  return [...reasons].map(([because, names]) => ({
    step: 'look',
    text: `Left out, because ${because}: ${shownList(names)}.`,
  }));
}

/** Findings from the headers and the durations of the answers. */
function factsOf(
  { headers, times }: OdataProbe,
  { records }: MeasuredService,
): {
  findings: Finding[];
  rate: { limits: Draft['limits']; system: Omit<NonNullable<Draft['system']>, 'description'> };
} {
  const findings: Finding[] = [];
  const find = (text: string) => findings.push({ step: 'measure', text });
  const limit = rateLimitOf(headers);
  if (limit !== undefined)
    find(
      `The service sends rate-limit headers: ${Object.keys(limit.headers).join(', ')}${limit.rate === undefined ? '' : `, which allow ${limit.rate.calls} calls in ${limit.rate.seconds} s`}.`,
    );
  else find('The service sends no rate-limit headers.');
  const hasEtag = 'etag' in headers || records.some((record) => '@odata.etag' in record);
  find(hasEtag ? 'The records have an ETag.' : 'The records have no ETag.');
  const latency = latencyOf(times);
  if (latency !== undefined) find(`Latency of the calls: ${latency.p50} ms (p50), ${latency.p95} ms (p95).`);
  if (limit === undefined) return { findings, rate: { limits: {}, system: {} } };
  const { rate } = limit;
  return {
    findings,
    rate: {
      limits: rate === undefined ? {} : { rate: rateWithin(rate.calls, rate.seconds) },
      system: {
        rateLimit: {
          headers: { ...limit.headers },
          ...(rate === undefined ? {} : { perMinute: Math.round((rate.calls * 60) / rate.seconds) }),
        },
      },
    },
  };
}
