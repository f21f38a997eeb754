import { InvalidInputError } from '../../errors.js';
import type { Finding } from '../draft.js';
import { latencyOf, limitsOf, variableOf } from '../http-system.js';
import type { Candidate, Look, Measured, ReaderOptions, SystemReader } from '../reader.js';
import { personTables } from '../tables/person-tables.js';
import { tableDraft } from '../tables/table-draft.js';
import { planTables } from '../tables/table-plan.js';
import { groupBy, leftOutFindings, SECRET, shown, shownList, type Table } from '../tables/table.js';
import { readFolder, type FilePattern } from './file-patterns.js';
import { declaredTables, describeTables, isCsv } from './file-tables.js';
import { FilesMeasurer, isUsable, withKeys } from './files-measure.js';
import { openFilesSession, type FilesSession } from './files-session.js';

const MAX_TABLES = 40;
/** Larger tables give a warning, because each lookup reads the files, which have no index. */
const LARGE_BYTES = 100 * 1024 * 1024;
const MEGABYTE = 1024 * 1024;
const MAX_LINKS = 12;

/** The first query of a gateway opens the files, which measuring does before its queries. */
const MIN_TIMEOUT_S = 5;

export class FilesReader implements SystemReader {
  readonly #options: ReaderOptions;
  readonly #folder: string;
  readonly #variable: string;
  #session: FilesSession | undefined;
  #patterns: readonly FilePattern[] = [];
  #tables: readonly Table[] = [];

  constructor(options: ReaderOptions) {
    const { source, target } = options;
    if (target.path === undefined || target.isFolder !== true)
      throw new InvalidInputError('To connect files, pass the path of their folder.');
    this.#options = options;
    this.#folder = target.path;
    this.#variable = variableOf(source, 'FOLDER');
  }

  async look(): Promise<Look> {
    const { source, budget } = this.#options;
    const content = await readFolder(this.#folder).catch(() => {
      throw new InvalidInputError('The folder cannot be listed. Check that this user may read it.');
    });
    const patterns = content.patterns.toSorted((a, b) => b.bytes - a.bytes).slice(0, MAX_TABLES);
    if (patterns.length === 0)
      throw new InvalidInputError(
        'The folder has no file with the extension .parquet, .csv, .json, .ndjson or .jsonl.',
      );
    const open = (opened: readonly FilePattern[]): FilesSession =>
      openFilesSession({
        ...{ source, folder: this.#folder, variable: this.#variable, budget },
        tables: declaredTables(opened),
      });
    const { tables: described, unreadable } = await describeTables(patterns, this.#folder, budget, open);
    const usable = described.filter(isUsable);
    this.#patterns = patterns.filter((pattern) => usable.some(({ name }) => name === pattern.name));
    if (usable.length === 0)
      throw new InvalidInputError(
        `No file of the folder can be read. ${unreadable[0]?.because ?? 'None has a column that a declaration can name.'}`,
      );
    const session = open(this.#patterns);
    this.#session = session;
    this.#tables = await withKeys(session, usable, ({ name }) => this.#bytesOf(name));
    const candidates = personTables(this.#tables).map(({ candidate }) => candidate);
    // Names of files may be those of persons, so only the tables that may contain persons are named.
    const secrets = new Set(
      described.flatMap(({ leftOut }) =>
        leftOut.flatMap(({ column, because }) => (because === SECRET ? [column] : [])),
      ),
    );
    const reasons = groupBy(unreadable, ({ because }) => because);
    const warnings = [
      ...[...reasons].map(([because, { length }]) => `${countOf(length, 'table')} left out. ${because}`),
      ...(secrets.size === 0 ? [] : [`Left out, because ${SECRET}: ${shownList([...secrets], 20)}.`]),
      ...(content.refused.length === 0
        ? []
        : [`${countOf(content.refused.length, 'file')} left out, because no pattern matches only them.`]),
      ...(content.isCut || content.patterns.length > MAX_TABLES
        ? [`The folder has more files than are read: only the ${MAX_TABLES} largest tables are used.`]
        : []),
      ...(candidates.length > 0
        ? []
        : [
            'No table seems to contain persons: none has a column for a name and one for an address or a number.',
          ]),
    ];
    const persons = this.#patterns.filter(({ name }) => candidates.some((found) => found.name === name));
    return {
      candidates,
      findings: [
        {
          step: 'look',
          text: `The folder has ${patterns.length} tables. These may contain persons: ${persons.slice(0, 12).map(describePattern).join('; ')}.`,
        },
        ...warnings.map((text): Finding => ({ step: 'look', text, isWarning: true })),
      ],
    };
  }

  #bytesOf(table: string): number {
    return this.#patterns.find(({ name }) => name === table)?.bytes ?? 0;
  }

  async measure(candidate: Candidate): Promise<Measured> {
    const session = this.#session;
    const person = this.#tables.find(({ name }) => name === candidate.name);
    if (session === undefined || person === undefined)
      throw new InvalidInputError(`There is no table ${shown(candidate.name)}.`);
    const { source, budget } = this.#options;
    const { keys: planned } = planTables(person, this.#tables, 0);
    if (planned.length === 0)
      throw new InvalidInputError(
        `${shown(person.name)} has no column that finds one person: none whose values all differ, and none for an e-mail address or number. Choose another table with --by.`,
      );
    const maxLinks = Math.max(0, budget.left - 1 - planned.length);
    const measurer = new FilesMeasurer(
      session,
      planTables(person, this.#tables, Math.min(MAX_LINKS, maxLinks)),
    );
    const { plan, persons, keys, links } = await measurer.measure();
    const latency = latencyOf(session.times);
    const drafted = tableDraft({
      ...{ source, plan, persons, keys, links, latencyMs: latency },
      zone: { zone: 'UTC', because: 'a guess' },
      isText: ({ files = '' }) => isCsv(files),
      hasConstraints: false,
    });
    const reached = new Set([plan.person, ...links.flatMap(({ link }) => [link.target])]);
    const used = this.#patterns.filter(({ name }) => Object.hasOwn(drafted.tables, name));
    return {
      draft: {
        ...{ source, kind: 'files' },
        connect: { files: `\${${this.#variable}}`, tables: declaredTables(used) },
        variables: { [this.#variable]: 'The absolute path of the folder with the files.' },
        limits: { ...limitsOf(session.times, MIN_TIMEOUT_S), concurrency: 2 },
        system: {},
        ...{ calls: drafted.calls, customer: drafted.customer, types: drafted.types, tables: drafted.tables },
      },
      findings: [
        ...plan.findings,
        ...leftOutFindings([...reached]),
        ...measurer.findings,
        ...drafted.findings,
        ...used.flatMap(sizeFindings),
        ...(latency === undefined
          ? []
          : [
              {
                step: 'measure',
                text: `Latency of the queries: ${latency.p50} ms (p50), ${latency.p95} ms (p95).`,
              } satisfies Finding,
            ]),
      ],
      values: { [this.#variable]: this.#folder },
    };
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }
}

function countOf(count: number, thing: string): string {
  return count === 1 ? `1 ${thing} is` : `${count} ${thing}s are`;
}

function describePattern({ name, files, fileCount, bytes }: FilePattern): string {
  return `${name} (${shown(files)}, ${fileCount} ${fileCount === 1 ? 'file' : 'files'}, ${(bytes / MEGABYTE).toFixed(1)} MB)`;
}

function sizeFindings({ name, files, bytes, day }: FilePattern): Finding[] {
  const { newest } =
    declaredTables([{ name, files, fileCount: 1, bytes, ...(day === undefined ? {} : { day }) }])[name] ?? {};
  const texts = [
    ...(bytes > LARGE_BYTES
      ? [
          `${name} has ${Math.round(bytes / MEGABYTE)} MB, and files have no index: each lookup reads ${files.endsWith('.parquet') ? 'the columns of' : ''} all of them. Use Parquet, sorted by the key, or a database.`,
        ]
      : []),
    ...(newest === undefined
      ? []
      : [`${name} has ${day?.count ?? 0} days. Only the newest ${newest.days} are read (newest).`]),
  ];
  return texts.map((text) => ({ step: 'measure', text, isWarning: true }));
}
