import type { PromiseResult, SourceReport } from './test-source.js';

/** The report of a test as lines, and as JUnit XML. */

export interface TestReport {
  sources: readonly SourceReport[];
}

/** Whether all sources were tested and none of their promises is broken. */
export function isPassed({ sources }: TestReport): boolean {
  return sources.every(
    ({ notTested, promises }) =>
      notTested === undefined && promises.every(({ outcome }) => outcome !== 'failed'),
  );
}

const LABELS = { ok: 'ok    ', failed: 'failed', 'not applicable': 'none  ' } as const;

/** One line for each promise. The difference and the remedy follow a failed one. */
export function linesOf({ source, notTested, promises }: SourceReport): string[] {
  if (notTested !== undefined) return [`${source}: not tested. ${notTested}`];
  const count = (wanted: PromiseResult['outcome']) =>
    promises.filter(({ outcome }) => outcome === wanted).length;
  return [
    source,
    ...promises.flatMap(({ id, promise, outcome, detail, remedy }) => {
      const line = `  ${LABELS[outcome]} ${id}: ${promise}`;
      if (outcome === 'not applicable') return [`${line} (not applicable: ${detail ?? ''})`];
      if (outcome === 'ok') return [line];
      return [line, `         ${detail ?? ''}`, `         What to do: ${remedy ?? ''}`];
    }),
    `${source}: ${count('ok')} ok, ${count('failed')} failed, ${count('not applicable')} not applicable`,
  ];
}

/** The report for build servers: a test suite for each source, and a test case for each promise. */
export function junitOf({ sources }: TestReport): string {
  const suites = sources.map(({ source, notTested, promises }) => {
    const cases =
      notTested === undefined
        ? promises.map((result) => caseOf(source, result))
        : [
            caseOf(source, {
              ...{ id: 'tested', promise: 'is tested', outcome: 'failed', detail: notTested, durationMs: 0 },
            }),
          ];
    const failures =
      notTested === undefined ? promises.filter(({ outcome }) => outcome === 'failed').length : 1;
    const skipped = promises.filter(({ outcome }) => outcome === 'not applicable').length;
    const seconds = promises.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1_000;
    const counts = `tests="${cases.length}" failures="${failures}" skipped="${skipped}" time="${seconds}"`;
    return `  <testsuite name="${xml(source)}" ${counts}>\n${cases.join('\n')}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="stekkerdoos test">\n${suites.join('\n')}\n</testsuites>\n`;
}

function caseOf(
  source: string,
  { id, promise, outcome, detail = '', remedy, durationMs }: PromiseResult,
): string {
  const open = `    <testcase classname="${xml(`${source}.${id}`)}" name="${xml(promise)}" time="${durationMs / 1_000}"`;
  if (outcome === 'ok') return `${open}/>`;
  const inner =
    outcome === 'failed'
      ? `<failure message="${xml(detail)}">${xml(remedy === undefined ? detail : `${detail}\nWhat to do: ${remedy}`)}</failure>`
      : `<skipped message="${xml(detail)}"/>`;
  return `${open}>${inner}</testcase>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

/** A text in XML 1.0. Characters that XML does not allow become a question mark. */
function xml(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- XML 1.0 allows none of these characters.
      .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, '?')
      .replace(/[&<>"\n]/g, (character) => ENTITIES[character] ?? character)
  );
}
