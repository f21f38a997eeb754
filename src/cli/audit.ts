import { defineCommand } from 'citty';
import { GATEWAY_SETTINGS } from '../config.js';
import { InvalidInputError } from '../errors.js';
import { SettingsReader } from '../settings.js';
import { HeadError } from '../privacy/audit-head.js';
import { verifyAudit, type AuditVerification } from '../privacy/audit-verify.js';

const verify = defineCommand({
  meta: {
    name: 'verify',
    description:
      'Checks whether lines of an audit log were removed, changed or moved. Example: stekkerdoos audit verify audit.ndjson',
  },
  args: {
    files: {
      type: 'positional',
      description:
        'Files of one log, the oldest first. AUDIT_SECRET must be the secret they were written with',
    },
    head: {
      type: 'string',
      valueHint: 'file',
      description: 'The head file, if it is not beside the last log file. --no-head: the log has no head',
    },
    begin: {
      type: 'boolean',
      default: true,
      description: 'The first file is the beginning of the log',
      negativeDescription: 'Older files of the log were deleted',
    },
  },
  run: async ({ args }) => {
    const settings = new SettingsReader(process.env);
    const secret = settings.read(GATEWAY_SETTINGS.auditSecret);
    settings.throwIfWrong();
    // With `--no-head` the value is false.
    const head: unknown = args.head;
    const result = await verifyAudit(args._, {
      secret,
      head: head === false ? false : args.head,
      fromBeginning: args.begin,
    }).catch((error: unknown) => {
      if (!(error instanceof HeadError)) throw error;
      throw new InvalidInputError(`${error.message}. Name another head by --head, or use --no-head.`);
    });
    const isEndSettled = result.endIsKnown || head === false;
    const lines = [...problemsOf(result, isEndSettled, secret !== undefined), summaryOf(result)];
    process.stdout.write(`${lines.join('\n')}\n`);
    if (lines.length > 1) process.exitCode = 1;
  },
});

function problemsOf(
  { problems, problemsOmitted, lines }: AuditVerification,
  isEndSettled: boolean,
  hasSecret: boolean,
): string[] {
  const messages = problems.map(({ file, line, damage, detail }) => `${file}:${line}: ${damage}: ${detail}`);
  if (problemsOmitted > 0) messages.push(`and ${problemsOmitted} more`);
  if (lines > 0 && problems.filter(({ damage }) => damage === 'changed').length + problemsOmitted >= lines)
    messages.push(
      `Every line is changed. ${hasSecret ? 'Check that AUDIT_SECRET is the secret they were written with.' : 'If they were written with an AUDIT_SECRET, set it.'}`,
    );
  if (!isEndSettled)
    messages.push(
      'There is no head beside the last file, so lines may be missing at the end. Name the head by --head. If there is none, as for lines from standard output, use --no-head.',
    );
  return messages;
}

function summaryOf({
  lines,
  first,
  last,
  torn,
  problems,
  problemsOmitted,
  endIsKnown,
}: AuditVerification): string {
  const count = problems.length + problemsOmitted;
  const parts = [
    `${lines} lines`,
    first === undefined || last === undefined
      ? ''
      : `numbers ${first.seq} to ${last.seq}, ${first.time} to ${last.time}`,
    torn === 0 ? '' : `${torn} crashes left incomplete lines, whose responses were not sent`,
    endIsKnown ? '' : 'the end was not compared with a head',
    count === 0 ? 'nothing is missing or changed' : `${count} problems`,
    last === undefined ? '' : `last hash ${last.hash}`,
  ];
  return `${parts.filter((part) => part !== '').join('; ')}.`;
}

export const audit = defineCommand({
  meta: { name: 'audit', description: 'The audit log.' },
  subCommands: { verify },
});
