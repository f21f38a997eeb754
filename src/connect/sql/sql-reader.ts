import { InvalidInputError } from '../../errors.js';
import type { Finding } from '../draft.js';
import { latencyOf, limitsOf, variableOf } from '../http-system.js';
import type { Candidate, Look, Measured, ReaderOptions, SystemReader } from '../reader.js';
import { personTables, type PersonTable } from '../tables/person-tables.js';
import { tableDraft } from '../tables/table-draft.js';
import type { ZoneGuess } from '../tables/table-fields.js';
import { planTables } from '../tables/table-plan.js';
import { leftOutFindings, shown, type Table } from '../tables/table.js';
import { readableTables, rowCounts, type Catalogue } from './catalogue.js';
import { mysqlCatalogue } from './mysql-catalogue.js';
import { postgresCatalogue } from './postgres-catalogue.js';
import { SqlMeasurer } from './sql-measure.js';
import { openSqlSession, type SqlSession } from './sql-session.js';

/** Statements that are not for keys and links: samples, their cost, counts, plans. */
const OTHER_STATEMENTS = 4;
const MAX_LINKS = 12;

export class SqlReader implements SystemReader {
  readonly #options: ReaderOptions;
  readonly #variable: string;
  readonly #address: string;
  readonly #session: SqlSession;
  #tables: readonly Table[] = [];
  #persons: readonly PersonTable[] = [];
  #estimates: ReadonlyMap<string, number> = new Map();
  #zone: ZoneGuess = { zone: 'UTC', because: 'a guess' };

  constructor(options: ReaderOptions) {
    const { source, target, budget } = options;
    if (target.url === undefined)
      throw new InvalidInputError(
        'A database is connected by its address, such as postgres://user@host:5432/name.',
      );
    this.#options = options;
    this.#variable = variableOf(source, 'URL');
    this.#address = addressOf(target.url, options);
    this.#session = openSqlSession({ source, address: this.#address, variable: this.#variable, budget });
  }

  async look(): Promise<Look> {
    const isPostgres = this.#session.engine === 'postgresql';
    const catalogue = isPostgres
      ? await postgresCatalogue(this.#session)
      : await mysqlCatalogue(this.#session);
    this.#zone = zoneOf(catalogue);
    this.#estimates = rowCounts(catalogue);
    const { tables, findings } = readableTables(
      catalogue,
      isPostgres ? 'public' : (catalogue.columns[0]?.schema ?? ''),
    );
    this.#tables = tables;
    this.#persons = personTables(tables);
    return {
      candidates: this.#persons.map(({ candidate }) => candidate),
      findings: [
        ...findings,
        ...(this.#persons.length > 0
          ? []
          : [
              {
                step: 'look',
                text:
                  tables.length === 0
                    ? 'The user may not read any table. Grant SELECT on the tables with customers.'
                    : `No table seems to contain persons: ${tables
                        .slice(0, 12)
                        .map(({ name }) => shown(name))
                        .join(', ')}. Name the table with --by.`,
                isWarning: true,
              } satisfies Finding,
            ]),
      ],
    };
  }

  async measure(candidate: Candidate): Promise<Measured> {
    const person = this.#tables.find(({ name }) => name === candidate.name);
    if (person === undefined) throw new InvalidInputError(`There is no table ${shown(candidate.name)}.`);
    const { source, budget } = this.#options;
    const plan = planTables(person, this.#tables, MAX_LINKS);
    if (plan.keys.length === 0)
      throw new InvalidInputError(
        `${shown(person.name)} has no column that finds one person: no unique one, and none for an id, e-mail address or number. Choose another table with --by.`,
      );
    const maxLinks = Math.max(0, budget.left - OTHER_STATEMENTS - plan.keys.length);
    const measurer = new SqlMeasurer(
      this.#session,
      planTables(person, this.#tables, Math.min(MAX_LINKS, maxLinks)),
      this.#estimates,
    );
    const { plan: measured, persons, keys, links } = await measurer.measure();
    const latency = latencyOf(this.#session.times);
    const drafted = tableDraft({
      ...{ source, plan: measured, persons, keys, links, zone: this.#zone },
      isText: () => false,
      hasConstraints: true,
      latencyMs: latency,
    });
    const reached = [measured.person, ...links.flatMap(({ link }) => [link.target])];
    return {
      draft: {
        ...{ source, kind: 'sql', connect: { sql: `\${${this.#variable}}` } },
        variables: {
          [this.#variable]:
            'The address of the database, with a user who may only read, such as postgres://user:password@host:5432/name.',
        },
        limits: limitsOf(this.#session.times),
        system: { database: this.#session.engine },
        ...{ calls: drafted.calls, customer: drafted.customer, types: drafted.types, tables: drafted.tables },
      },
      findings: [
        ...measured.findings,
        ...leftOutFindings([...new Set(reached)]),
        ...measurer.findings,
        ...drafted.findings,
        ...(latency === undefined
          ? []
          : [
              {
                step: 'measure',
                text: `Latency of the statements: ${latency.p50} ms (p50), ${latency.p95} ms (p95).`,
              } satisfies Finding,
            ]),
      ],
      values: { [this.#variable]: this.#address },
    };
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/** The address, with the user and password from the environment if it has none. */
function addressOf(url: URL, { source, environment }: ReaderOptions): string {
  const address = new URL(url);
  const user = environment[variableOf(source, 'USER')];
  const password = environment[variableOf(source, 'PASSWORD')];
  if (address.username === '' && user !== undefined) address.username = encodeURIComponent(user);
  if (address.password === '' && password !== undefined) address.password = encodeURIComponent(password);
  return address.href;
}

/** The zone that is assumed for times without one. The server's zone is a better guess than UTC. */
function zoneOf({ zone }: Catalogue): ZoneGuess {
  return zone === undefined || /^(GMT|UTC|Etc\/.*|localtime)$/.test(zone) || !isZone(zone)
    ? { zone: 'UTC', because: 'a guess' }
    : { zone, because: 'the zone of the server' };
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
