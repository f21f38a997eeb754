import type { Decisions, Draft, Finding } from '../draft.js';
import { writtenSource, type WrittenSource } from './written-source.js';

const STEPS: Readonly<Record<Finding['step'], string>> = {
  look: 'The system',
  measure: 'Measured',
  identity: 'Identity',
  privacy: 'Privacy',
  write: 'Files',
  show: 'Shown',
};

/**
 * Writes the page of a source: the findings and their date, the checks for a person, and the next steps. It
 * contains no values.
 */
export function writePage(
  draft: Draft,
  decisions: Decisions,
  findings: readonly Finding[],
  measuredAt: Date,
): string {
  const { source, variables } = draft;
  const written = writtenSource(draft, decisions);
  return [
    `# ${source}`,
    `\`stekkerdoos connect\` made this source on ${measuredAt.toISOString().slice(0, 10)}. It sent calls that only read. The recording has made-up values.`,
    section('To check', checksOf(draft, written, findings)),
    ...Object.entries(STEPS).map(([step, title]) =>
      section(
        title,
        findings
          .filter((finding) => finding.step === step && finding.isWarning !== true)
          .map(({ text }) => text),
      ),
    ),
    section(
      'Left out',
      [...written.leftOut].map(([field, reason]) => `${code(field)}: ${reason}`),
    ),
    section(
      'Settings',
      Object.entries(variables).map(([variable, holds]) => `${code(variable)}: ${holds}`),
    ),
    nextSteps(source, decisions),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0
    ? ''
    : [`## ${title}`, '', ...lines.map((line) => `- ${oneLine(line)}`)].join('\n');
}

/** What a person should check: warnings, mappings, and fields that were not recognised. */
function checksOf(draft: Draft, { types }: WrittenSource, findings: readonly Finding[]): string[] {
  const fields = types.flatMap((type) =>
    type.fields.map((field) => ({ ...field, path: `${type.name}.${field.name}` })),
  );
  const unknown = fields
    .filter(({ privacy }) => privacy?.isRecognised === false)
    .map(({ path }) => code(path));
  return [
    ...findings.filter(({ isWarning }) => isWarning).map(({ text }) => text),
    ...fields.flatMap(({ path, draft: { check } }) =>
      check === undefined ? [] : [`${code(path)}: ${check}`],
    ),
    ...(unknown.length === 0
      ? []
      : [
          `Neither the name nor the values of these fields were recognised, so they have the strictest rules. Classify them in ${code(`schema/sources/${draft.source}.graphql`)}: ${unknown.join(', ')}.`,
        ]),
  ];
}

function nextSteps(source: string, { foundBy, recordKey }: Decisions): string {
  const key = foundBy['email'] === undefined ? recordKey : 'email';
  return [
    '## Next steps',
    '',
    'Test the source without the system, compare it with the system, and query a customer:',
    '',
    `    npx stekkerdoos test ${source}`,
    `    npx stekkerdoos check ${source} --key ${key}=-`,
    `    npx stekkerdoos ask <${key}>`,
    '',
    `After a change of ${code(`sources/${source}.yaml`)}, run the test again. Run the check regularly: it reports what the system changed.`,
  ].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
