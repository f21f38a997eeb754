import { existsSync, readFileSync, statSync } from 'node:fs';
import type { z } from 'zod';
import { recordingSchema, type RecordedCall, type Recording } from './recording.js';

const MAX_BYTES = 32 * 1024 * 1024;
const MAX_SHOWN_ISSUES = 10;

/** A recording that cannot be used. */
export class RecordingError extends Error {
  override name = 'RecordingError';
  /** The command line prints only the message, because the file is wrong, not the program. */
  readonly code = 'RECORDING';

  constructor(source: string, problem: string) {
    super(
      `sources/${source}.recording.json: ${problem} Correct the file, or record the system again: stekkerdoos connect ${source}.`,
    );
  }
}

/** Reads the recording of a source. Undefined if there is no file. Throws a RecordingError. */
export function readRecording(path: string, source: string): Recording | undefined {
  if (!existsSync(path)) return undefined;
  if (statSync(path).size > MAX_BYTES) throw new RecordingError(source, 'It has more than 32 MB.');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new RecordingError(source, 'It is not JSON.');
  }
  const parsed = recordingSchema.safeParse(value);
  if (!parsed.success)
    throw new RecordingError(source, `It is not a recording: ${shownIssues(parsed.error)}.`);
  if (parsed.data.source !== source)
    throw new RecordingError(source, `It is the recording of "${parsed.data.source}".`);
  return parsed.data;
}

function shownIssues({ issues }: z.ZodError): string {
  const shown = issues
    .slice(0, MAX_SHOWN_ISSUES)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  return [...shown, ...(issues.length > shown.length ? ['and more'] : [])].join('; ');
}

/** A measured call with its recorded answers. */
export interface MeasuredCall<Call> {
  call: Call;
  recorded: RecordedCall;
}

/** Parses the calls of a recording by the grammar. Throws a RecordingError for any other call. */
export function measuredCalls<Call>(
  { source, calls }: Recording,
  grammar: z.ZodType<Call>,
): ReadonlyMap<string, MeasuredCall<Call>> {
  return new Map(
    Object.entries(calls).map(([name, recorded]) => {
      const parsed = grammar.safeParse(recorded.call);
      if (parsed.success) return [name, { call: parsed.data, recorded }];
      const [issue] = parsed.error.issues;
      throw new RecordingError(
        source,
        `The call "${name}" is not a call of this kind: ${issue?.message ?? ''}.`,
      );
    }),
  );
}
