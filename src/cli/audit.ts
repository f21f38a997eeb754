import { defineCommand } from 'citty';
import { GATEWAY_SETTINGS } from '../config.js';
import { InvalidInputError } from '../errors.js';
import { SettingsReader } from '../settings.js';
import { HeadError } from '../privacy/audit-head.js';
import { verifyAudit, type AuditVerdict } from '../privacy/audit-verify.js';

const verify = defineCommand({
  meta: {
    name: 'verify',
    description: 'Tells whether lines of an audit log were removed, changed or put elsewhere',
  },
  args: {
    files: {
      type: 'positional',
      description: 'Files of one log, the oldest first. AUDIT_SECRET must be what they were written with',
    },
    head: {
      type: 'string',
      valueHint: 'file',
      description:
        'The head to compare the end with, if it is not beside the last file. --no-head: there is none',
    },
    begin: {
      type: 'boolean',
      default: true,
      description: 'The first file is the oldest that ever was',
      negativeDescription: 'The files before the first one are not kept any more',
    },
  },
  run: async ({ args }) => {
    const settings = new SettingsReader(process.env);
    const secret = settings.read(GATEWAY_SETTINGS.auditSecret);
    settings.throwIfWrong();
    // `--no-head` gives false.
    const head: unknown = args.head;
    const verdict = await verifyAudit(args._, {
      secret,
      head: head === false ? false : args.head,
      fromBeginning: args.begin,
    }).catch((error: unknown) => {
      if (!(error instanceof HeadError)) throw error;
      throw new InvalidInputError(`${error.message}. Name another by --head, or say --no-head.`);
    });
    const isTold = verdict.endIsKnown || head === false;
    const lines = [...problemsOf(verdict, isTold, secret !== undefined), summaryOf(verdict)];
    process.stdout.write(`${lines.join('\n')}\n`);
    if (lines.length > 1) process.exitCode = 1;
  },
});

function problemsOf(
  { problems, problemsOmitted, lines }: AuditVerdict,
  isEndTold: boolean,
  hasSecret: boolean,
): string[] {
  const told = problems.map(({ file, line, damage, detail }) => `${file}:${line}: ${damage}: ${detail}`);
  if (problemsOmitted > 0) told.push(`and ${problemsOmitted} more`);
  if (lines > 0 && problems.filter(({ damage }) => damage === 'changed').length + problemsOmitted >= lines)
    told.push(
      `Every line is changed: ${hasSecret ? 'is AUDIT_SECRET what they were written with?' : 'were they written with an AUDIT_SECRET? Then it is needed here.'}`,
    );
  if (!isEndTold)
    told.push(
      'There is no head beside the last file, so lines may be missing at the end. Name it by --head, or say --no-head if there is none: of a file that was moved away, or of lines from standard output.',
    );
  return told;
}

function summaryOf({
  lines,
  first,
  last,
  torn,
  problems,
  problemsOmitted,
  endIsKnown,
}: AuditVerdict): string {
  const count = problems.length + problemsOmitted;
  const parts = [
    `${lines} lines`,
    first === undefined || last === undefined
      ? ''
      : `numbers ${first.seq} to ${last.seq}, ${first.time} to ${last.time}`,
    torn === 0 ? '' : `${torn} times a crash tore lines that nobody was answered`,
    endIsKnown ? '' : 'the end was not compared with a head',
    count === 0 ? 'nothing is missing or changed' : `${count} problems`,
    last === undefined ? '' : `last hash ${last.hash}`,
  ];
  return `${parts.filter((part) => part !== '').join('; ')}.`;
}

export const audit = defineCommand({
  meta: { name: 'audit', description: 'The audit log' },
  subCommands: { verify },
});
