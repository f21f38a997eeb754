import type { Finding } from './finding.js';

/** A check of one part of the installation. It only reads. */
export interface Check {
  name: string;
  /** The source or part that it checks, for the progress. Default: the whole installation. */
  of?: string;
  /** Time limit in milliseconds. Default: 8,000. */
  limitMs?: number;
  run(): Promise<readonly Finding[]>;
}

const DEFAULT_LIMIT_MS = 8_000;
/** The number of concurrent checks. */
const MAX_AT_ONCE = 24;

/** Runs the checks, several at a time. `onDone` is called after each check. Never rejects. */
export async function examine(
  checks: readonly Check[],
  onDone: (check: Check, findings: readonly Finding[]) => void,
): Promise<Finding[]> {
  const waiting = checks.entries();
  const results: (readonly Finding[])[] = [];
  const worker = async (): Promise<void> => {
    for (const [at, check] of waiting) {
      const findings = await runWithin(check);
      results[at] = findings;
      onDone(check, findings);
    }
  };
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, worker));
  return results.flat();
}

async function runWithin(check: Check): Promise<readonly Finding[]> {
  const { name, of = name, limitMs = DEFAULT_LIMIT_MS } = check;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    timer = setTimeout(() => {
      resolve([
        {
          check: name,
          severity: 'warning',
          where: of,
          seen: `The check did not end within ${limitMs / 1000} s.`,
          remedy: 'Check the load of this part, and run the command again.',
        },
      ]);
    }, limitMs);
  });
  try {
    return await Promise.race([check.run(), late]);
  } catch (error) {
    return [
      {
        check: name,
        severity: 'error',
        where: of,
        seen: `The check failed with an unexpected ${error instanceof Error ? error.name : 'error'}.`,
        remedy: 'Run the command again. If it fails again, report a defect of the gateway.',
      },
    ];
  } finally {
    clearTimeout(timer);
  }
}
