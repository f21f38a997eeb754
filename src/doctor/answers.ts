import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ANSWER_CHANNEL, readAnswerHeaders } from '../recordings/answer-headers.js';
import { clockFinding } from './clocks.js';
import type { Finding } from './finding.js';

/** The headers of the answers of one system, over HTTP. */
interface Answers {
  /** The headers of all answers, by their names in lower case. */
  headers: Map<string, string>;
  /** How far the clock of the system is ahead, in milliseconds. Undefined if no answer has a date. */
  aheadMs: number | undefined;
}

export interface AnswerListener {
  /** The findings in the answers of the systems at these origins. */
  findings(source: string, origins: readonly string[]): Finding[];
  close(): void;
}

/** The share of a quota above which a warning is reported. */
const SPENT = 0.9;
/** Names of permissions to change or administer data. */
const WRITING = /write|admin|delete|manage|create|update|full/i;

/**
 * Listens to the answers to all calls over HTTP. Their headers report clocks, quotas and permissions, so no
 * further call is needed.
 */
export function listenToAnswers(): AnswerListener {
  const byOrigin = new Map<string, Answers>();
  const note = (message: unknown): void => {
    const answer = readAnswerHeaders(message);
    if (answer === undefined) return;
    const { headers, aheadMs } = byOrigin.get(answer.origin) ?? { headers: new Map(), aheadMs: undefined };
    for (const [name, value] of answer.headers) headers.set(name, value);
    byOrigin.set(answer.origin, { headers, aheadMs: aheadOf(answer.headers) ?? aheadMs });
  };
  subscribe(ANSWER_CHANNEL, note);
  return {
    findings: (source, origins) =>
      origins.flatMap((origin) => {
        const answers = byOrigin.get(origin);
        if (answers === undefined) return [];
        return [
          ...clockFinding(source, answers.aheadMs),
          ...quotaFindings(source, answers.headers),
          ...scopeFindings(source, answers.headers),
        ];
      }),
    close: () => {
      unsubscribe(ANSWER_CHANNEL, note);
    },
  };
}

/** How far the `Date` of an answer is ahead. A cache may repeat an old date, and adds its `Age`. */
function aheadOf(headers: ReadonlyMap<string, string>): number | undefined {
  const at = Date.parse(headers.get('date') ?? '');
  const ageMs = Number(headers.get('age') ?? 0) * 1_000;
  return Number.isNaN(at + ageMs) ? undefined : at + ageMs - Date.now();
}

/** Reads quotas in headers: `<name>-remaining` with its limit, or `used/limit` in one header. */
function quotaFindings(source: string, headers: ReadonlyMap<string, string>): Finding[] {
  return [...headers].flatMap(([name, value]) => {
    const quota = quotaIn(name, value, headers);
    if (quota === undefined || quota.limit <= 0 || quota.used / quota.limit < SPENT) return [];
    return {
      check: 'quotas',
      severity: 'warning' as const,
      where: source,
      seen: `The system reports ${quota.used} of ${quota.limit} calls as spent (${name}).`,
      remedy: 'Cache records longer, lower the limits of the source, or have the system allow more calls.',
    };
  });
}

function quotaIn(
  name: string,
  value: string,
  headers: ReadonlyMap<string, string>,
): { used: number; limit: number } | undefined {
  if (name.endsWith('-remaining')) {
    const stem = name.slice(0, -'-remaining'.length);
    const limit = ['-limit', '-max', ''].map((end) => headers.get(`${stem}${end}`)).find(isNumber);
    return limit !== undefined && isNumber(value)
      ? { used: Number(limit) - Number(value), limit: Number(limit) }
      : undefined;
  }
  const [, used, limit] = (name.includes('limit') && /(?:^|=)(\d{1,12})\/(\d{1,12})$/.exec(value)) || [];
  return used === undefined ? undefined : { used: Number(used), limit: Number(limit) };
}

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,12}$/.test(text);
}

/** Finds scopes of a token that allow more than reading, if the system lists scopes. */
function scopeFindings(source: string, headers: ReadonlyMap<string, string>): Finding[] {
  const scopes = (headers.get('x-oauth-scopes') ?? '').split(/[\s,]+/);
  const writing = scopes.filter((scope) => WRITING.test(scope) && /^[\w.:/-]{1,60}$/.test(scope));
  if (writing.length === 0) return [];
  return [
    {
      check: 'permissions',
      severity: 'warning',
      where: source,
      seen: `The token has more permissions than reading: ${writing.join(', ')}.`,
      remedy: 'Replace it with a token that may only read the data that the README of the source lists.',
    },
  ];
}
