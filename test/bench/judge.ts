import { z } from 'zod';

/** `right`: equal to the answer without faults. `marked`: incomplete, and the answer says so. Otherwise: the defect. */
export type Judgement = 'right' | 'marked' | { wrong: string };

/** Error codes that the gateway may return for a system or for itself. All others are defects. */
const CODES: ReadonlySet<string> = new Set([
  'SOURCE_UNAVAILABLE',
  'SOURCE_TIMEOUT',
  'SOURCE_RATE_LIMITED',
  'SOURCE_CONTRACT',
  'NOT_CACHED',
  'OVERLOADED',
]);

/** Fields combined from the systems that answered. `extensions.sources` names the systems that failed. */
const GATHERED: ReadonlySet<string> = new Set(['name', 'emails']);

type Path = readonly (string | number)[];

const error = z.object({
  path: z.array(z.union([z.string(), z.number()])).optional(),
  extensions: z.object({ code: z.string() }),
});
const answer = z.object({
  data: z.unknown().optional(),
  errors: z.array(error).optional(),
  extensions: z.object({ sources: z.record(z.string(), z.object({ status: z.string() })) }).optional(),
});

/** Compares an answer with the data that the same query returned before the first fault. */
export function judge({ status, body }: { status: number; body: string }, expected: unknown): Judgement {
  if (status === 0) return { wrong: `not answered: ${body}` };
  const parsed = answer.safeParse(parse(body));
  if (!parsed.success) return { wrong: `status ${status}, of another form: ${body.slice(0, 300)}` };
  const { data, errors = [], extensions } = parsed.data;
  const codes = errors.map((error) => error.extensions.code);
  const unknown = codes.find((code) => !CODES.has(code));
  if (unknown !== undefined) return { wrong: `an error with code ${unknown}: ${body.slice(0, 300)}` };
  if (status === 503 && codes[0] === 'OVERLOADED') return 'marked';
  if (status !== 200) return { wrong: `status ${status}: ${body.slice(0, 300)}` };

  const statuses = Object.values(extensions?.sources ?? {}).map((source) => source.status);
  const isMarked = ({ path, isNull }: Difference): boolean =>
    (isNull && errors.some((error) => startsWith(error.path ?? [], path))) ||
    (GATHERED.has(String(path.find((step) => GATHERED.has(String(step))))) && statuses.includes('failed'));
  const unmarked = differences(expected, data).find((difference) => !isMarked(difference));
  if (unmarked !== undefined)
    return { wrong: `other data at ${unmarked.path.join('.')}, unmarked: ${body.slice(0, 300)}` };
  return errors.length > 0 || statuses.some((statuse) => statuse === 'stale' || statuse === 'failed')
    ? 'marked'
    : 'right';
}

interface Difference {
  path: Path;
  isNull: boolean;
}

/** Returns the paths nearest to the root that contain all differences. */
function differences(expected: unknown, actual: unknown, path: Path = []): Difference[] {
  if (Object.is(expected, actual)) return [];
  if (!isObject(expected) || !isObject(actual)) return [{ path, isNull: actual === null }];
  const [names, others] = [Object.keys(expected), Object.keys(actual)];
  if (names.length !== others.length || names.some((name) => !(name in actual)))
    return [{ path, isNull: false }];
  return names.flatMap((name) => {
    const step = Array.isArray(expected) ? Number(name) : name;
    return differences(expected[name], actual[name], [...path, step]);
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function startsWith(path: Path, start: Path): boolean {
  return start.every((step, i) => path[i] === step);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
