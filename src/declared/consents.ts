import type { Client } from '../connectors/connector.js';
import type { ConsentDeclaration, ConsentStatement } from '../customer/consent-declaration.js';
import type { ConsentChannel, ConsentStatus, Purpose } from '../customer/schema.generated.js';
import { didYouMean } from '../did-you-mean.js';
import type { Calls } from './calls.js';
import { enumConversion, scalarConversion } from './conversions.js';
import type { Consents, ValueMapping } from './grammar.js';
import { Mismatch } from './path.js';
import type { Place, Report } from './problems.js';
import type { SourceSdl } from './source-sdl.js';
import { readerOf } from './text-value.js';

interface ConsentOptions<C extends Client> {
  declared: Consents | undefined;
  hasIdentity: boolean;
  calls: Pick<Calls<object, C>, 'statementLoader'>;
  sdl: SourceSdl;
  report: Report;
}

type Statement = Consents['statements'][number];
type ReadStatement = (row: unknown) => ConsentStatement;

/**
 * Compiles the consent that a source holds. Each row of the call gives one statement for each declared one. An unknown value
 * fails the row, so that the purposes of the source are withheld: the value might be a withdrawal.
 */
export function compileConsents<C extends Client>(
  options: ConsentOptions<C>,
): ConsentDeclaration<C> | undefined {
  const { declared, hasIdentity, calls, report } = options;
  if (declared === undefined) return undefined;
  if (!hasIdentity)
    report(
      ['consents'],
      'The source has consents and no identity.',
      'Add identity: consents are loaded by the recordKey.',
    );
  const compiled = declared.statements.map((statement, i) =>
    compileStatement(statement, ['consents', 'statements', i], options),
  );
  const reads = compiled.map(({ read }) => read);
  const ofRecord = calls.statementLoader(declared.call, ['consents', 'call'], {
    paths: compiled.flatMap(({ paths }) => paths),
    toValue: (rows) => rows.flatMap((row) => reads.map((read) => read(row))),
  });
  if (ofRecord === undefined) return undefined;
  return { purposes: [...new Set(compiled.flatMap(({ purposes }) => purposes))], ofRecord };
}

function compileStatement(
  { purpose, channel, status, until, updatedAt }: Statement,
  place: Place,
  options: Pick<ConsentOptions<Client>, 'sdl' | 'report'>,
): { purposes: readonly Purpose[]; paths: readonly string[]; read: ReadStatement } {
  // The values of these enums are those that the types are generated from.
  const ofPurpose = enumReader<Purpose>('Purpose', purpose, [...place, 'purpose'], options);
  const ofChannel =
    channel === undefined
      ? undefined
      : enumReader<ConsentChannel>('ConsentChannel', channel, [...place, 'channel'], options);
  const ofStatus = enumReader<ConsentStatus>('ConsentStatus', status, [...place, 'status'], options);
  const ofUntil = momentReader(until, [...place, 'until'], options.report);
  const ofUpdate = momentReader(updatedAt, [...place, 'updatedAt'], options.report);
  const readStatus = (row: unknown): ConsentStatus => {
    const found = ofStatus.read(row) ?? status.ifMissing;
    if (found === undefined) throw new Mismatch(status.from, 'a value');
    const end = ofUntil?.read(row) ?? null;
    // A refusal does not expire.
    const mayExpire = found === 'GRANTED' || found === 'REQUESTED';
    return mayExpire && end !== null && Date.parse(end) <= Date.now() ? 'EXPIRED' : found;
  };
  return {
    purposes: ofPurpose.values,
    paths: [ofPurpose, ofChannel, ofStatus, ofUntil, ofUpdate].flatMap((reader) => reader?.paths ?? []),
    read: (row) => {
      const foundPurpose = ofPurpose.read(row);
      if (foundPurpose === null) throw new Mismatch(pathOf(purpose), 'a value of Purpose');
      const foundChannel = ofChannel?.read(row) ?? null;
      // Without a channel, a consent is for all channels.
      if (foundChannel === null && typeof channel === 'object' && channel.ifMissing !== 'ALL')
        throw new Mismatch(channel.from, 'a value of ConsentChannel');
      return {
        purpose: foundPurpose,
        channel: foundChannel,
        status: readStatus(row),
        updatedAt: ofUpdate?.read(row) ?? null,
      };
    },
  };
}

type Value = string | { from: string; enum?: Readonly<Record<string, string>> };

function pathOf(value: Value): string {
  return typeof value === 'string' ? value : value.from;
}

interface Reader<T> {
  paths: readonly string[];
  /** Null for a missing value. */
  read: (row: unknown) => T | null;
}

/** Reads a value of an enum of the core schema. A text is that value; a map says where it is in a row. */
function enumReader<T extends string>(
  enumName: string,
  value: Value,
  place: Place,
  { sdl, report }: Pick<ConsentOptions<Client>, 'sdl' | 'report'>,
): Reader<T> & { values: readonly T[] } {
  const known = sdl.valuesOf(enumName).map(({ name }) => name.value as T);
  if (typeof value === 'string') {
    const fixed = known.find((candidate) => candidate === value) ?? null;
    if (fixed === null)
      report(
        place,
        `"${value}" is not a value of ${enumName}.`,
        didYouMean(value, known).trim() || `Use one of ${known.join(', ')}.`,
      );
    return { values: fixed === null ? [] : [fixed], paths: [], read: () => fixed };
  }
  const read = readerOf(value.from, [...place, 'from'], report);
  const convert = enumConversion({ name: enumName, values: known }, value.enum, value.from, {
    place,
    report,
  });
  return {
    values: known.filter(
      (candidate) => value.enum === undefined || Object.values(value.enum).includes(candidate),
    ),
    paths: [value.from],
    read: (row) => {
      const found = read(row);
      return found == null ? null : (convert(found) as T);
    },
  };
}

/** Reads a moment, as ISO 8601. A date is the beginning of that day in UTC. */
function momentReader(
  mapping: ValueMapping | undefined,
  place: Place,
  report: Report,
): Reader<string> | undefined {
  if (mapping === undefined) return undefined;
  const { from = String(place.at(-1)), ...conversions } =
    typeof mapping === 'string' ? { from: mapping } : mapping;
  const isDay = 'date' in conversions;
  const read = readerOf(from, place, report);
  const convert = scalarConversion(isDay ? 'Date' : 'DateTime', conversions, from, { place, report });
  return {
    paths: [from],
    read: (row) => {
      const found = read(row);
      return found == null ? null : `${String(convert(found))}${isDay ? 'T00:00:00.000Z' : ''}`;
    },
  };
}
