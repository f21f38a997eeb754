import type { Draft, DraftCall, Finding } from '../draft.js';
import { latencyOf, limitsOf, variableOf, type Credentials } from '../http-system.js';
import type { RecordedCall } from '../../recordings/recording.js';
import { valuesAt } from '../values.js';
import { camelCase, wordsOf } from '../words.js';
import type { MeasuredCall } from './measuring.js';
import { constantsIn, type RestProbe } from './probe.js';
import { rateLimitsOf } from './rate-limits.js';
import { TypeDrafter } from './record-types.js';
import type { ListCall, PersonWay, RelatedList } from './way.js';

/** Drafts the source from the measurements. */

export interface MeasuredWay {
  way: PersonWay;
  measured: MeasuredCall;
}

export interface MeasuredList {
  list: RelatedList;
  /** The path of the key in the customer's record. */
  keyPath: string;
  measured: MeasuredCall;
}

export interface DraftParts {
  source: string;
  credentials: Credentials;
  accept: string | undefined;
  probe: RestProbe;
  chosen: PersonWay;
  ways: readonly MeasuredWay[];
  lists: readonly MeasuredList[];
  /** Records of customers. */
  records: readonly unknown[];
  /** The list of all records. */
  list: ListCall | undefined;
}

export function draftOf(parts: DraftParts): { draft: Draft; findings: readonly Finding[] } {
  const { source, credentials, accept, probe, chosen, ways, lists, records } = parts;
  const drafter = new TypeDrafter(source);
  const inner = chosen.within === '' ? records : valuesAt(records, chosen.within);
  const described = chosen.record;
  const customer = drafter.customer(
    { shape: described, thing: chosen.thing, samples: inner },
    chosen.within,
    lists.map(({ list, keyPath, measured }) => ({
      ...{ call: list.call, key: keyPath, shape: list.record, thing: list.thing },
      samples: [...measured.answers.values()].flat(),
    })),
  );
  const used = new Set(customer.fields.flatMap(({ call }) => call?.name ?? []));
  const limits = rateLimitsOf(probe.headers);
  const latencyMs = latencyOf(probe.times);
  const url = variableOf(source, 'URL');
  const draft: Draft = {
    ...{ source, kind: 'rest' },
    connect: {
      rest: `\${${url}}`,
      ...(credentials.auth === undefined ? {} : { auth: credentials.auth }),
      ...(credentials.declaredHeaders === undefined ? {} : { headers: credentials.declaredHeaders }),
      ping: pingOf(parts),
      ...(accept === undefined ? {} : { accept }),
      ...(limits.declared === undefined ? {} : { rateLimitHeaders: limits.declared }),
    },
    variables: { [url]: 'The address of the system.', ...credentials.variables },
    limits: { ...limitsOf(probe.times), ...(limits.rate === undefined ? {} : { rate: limits.rate }) },
    ...(limits.recorded === undefined ? {} : { system: { rateLimit: limits.recorded } }),
    calls: {
      ...Object.fromEntries(
        ways.map(({ way, measured }) => [callNameOf(way), personCall(way, measured, records, latencyMs)]),
      ),
      ...Object.fromEntries(
        lists
          .filter(({ list }) => used.has(list.call))
          .map(({ list, keyPath, measured }) => [
            list.call,
            {
              call: measured.call,
              key: keyPath,
              findsCustomers: false,
              isUnique: false,
              recorded: recordedOf(measured, measured.answers, latencyMs),
            },
          ]),
      ),
    },
    ...{ customer, types: drafter.types },
  };
  return { draft, findings: [...leftOut(drafter), ...limits.findings, ...latencyFindings(latencyMs)] };
}

type Latency = ReturnType<typeof latencyOf>;

function personCall(
  way: PersonWay,
  measured: MeasuredCall,
  records: readonly unknown[],
  latencyMs: Latency,
): DraftCall {
  const all = new Map<string, readonly unknown[]>();
  for (const record of records)
    for (const key of valuesAt([record], way.keyPath).map(String))
      all.set(key, [...(all.get(key) ?? []), record]);
  for (const [key, rows] of measured.answers) if (!all.has(key)) all.set(key, rows);
  return {
    ...{ call: measured.call, key: way.keyPath, findsCustomers: true, isUnique: way.isUnique },
    recorded: recordedOf(measured, all, latencyMs),
  };
}

function recordedOf(
  { call, envelope }: MeasuredCall,
  answers: ReadonlyMap<string, readonly unknown[]>,
  latencyMs: Latency,
): RecordedCall {
  return {
    call: call as RecordedCall['call'],
    ...(envelope === undefined ? {} : { envelope: envelope as NonNullable<RecordedCall['envelope']> }),
    answers: Object.fromEntries(answers) as RecordedCall['answers'],
    ...(latencyMs === undefined ? {} : { latencyMs }),
  };
}

/** A cheap path that needs no key: a page of one record. */
function pingOf({ list, chosen }: DraftParts): string {
  const { path, query } = list?.request ?? { path: chosen.request.path, query: {} };
  const constants = constantsIn(query);
  const sized = list?.paging.size === undefined ? constants : [...constants, [list.paging.size, 1] as const];
  const search = sized
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
    .join('&');
  const plain = path.replace(/\/\{key\}.*$/, '') || '/';
  return search === '' ? plain : `${plain}?${search}`;
}

/** The name of the call of a way: `byEmail`. */
function callNameOf({ kind }: PersonWay): string {
  return camelCase(['by', ...wordsOf(kind)]);
}

function leftOut({ leftOut: fields }: TypeDrafter): Finding[] {
  return [...fields].map(([reason, names]) => ({
    step: 'look',
    text: `Left out, because ${reason}: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}.`,
    isWarning: true,
  }));
}

function latencyFindings(latency: Latency): Finding[] {
  if (latency === undefined) return [];
  return [
    {
      step: 'measure',
      text: `Latency of the calls: ${latency.p50} ms (p50), ${latency.p95} ms (p95).`,
    },
  ];
}
