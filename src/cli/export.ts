import { defineCommand } from 'citty';
import { openExportFile, type ExportDocument } from '../privacy/export-document.js';
import { planExport } from '../privacy/export-plan.js';
import { exportCustomer } from '../privacy/export.js';
import { openOwnGateway, readBy } from './own-gateway.js';

export const exportAll = defineCommand({
  meta: {
    name: 'export',
    description:
      'Writes all data of a customer in all systems to a file, for the customer. Example: stekkerdoos export --by email=- --out export.json',
  },
  args: {
    by: {
      type: 'string',
      required: true,
      valueHint: 'kind=value',
      description: 'An identifier, such as email=...; kind=- reads the value from standard input',
    },
    out: {
      type: 'string',
      required: true,
      valueHint: 'file',
      description: 'The file to write. An incomplete export is in <file>.part: run again to complete it',
    },
  },
  run: async ({ args }) => {
    const { namespace, value } = await readBy(args.by);
    const gateway = await openOwnGateway();
    try {
      const { digests } = gateway;
      const file = openExportFile(args.out, digests.of({ namespace, value }));
      const result = await exportCustomer({
        plan: planExport(gateway.schema),
        sourceOfField: gateway.sourceOfField,
        by: { [namespace]: value },
        digestOf: (identifier) => digests.of(identifier),
        // A run may take longer than answers are fresh. A stale answer would count as missing, so the system is called again.
        execute: (query, variables, maxAgeMs) =>
          gateway.query(query, variables, { maxAgeMs, isFreshOnly: true }),
        begun: file.begun,
        save: (document) => {
          file.save(document);
        },
        onProgress: ({ field, number, of }) => process.stderr.write(`${number}/${of} ${field}\n`),
        now: Date.now,
      });
      if (result.kind === 'notFound') {
        const isUnknown = result.failures.length === 0;
        process.exitCode = isUnknown ? 1 : 2;
        const reasons = result.failures.map(({ code, message }) => `${code}: ${message}`);
        process.stderr.write(
          `${isUnknown ? 'No system knows this customer.' : reasons.join('\n')}\nNothing was written.\n`,
        );
        return;
      }
      const { document } = result;
      // Failures that a retry does not change are in the file and do not delay it.
      const isFinished = !hasMore(document);
      if (isFinished) file.finish();
      if (!document.complete) process.exitCode = 2;
      process.stderr.write(`${summaryOf(document).join('\n')}\n`);
      process.stdout.write(
        isFinished
          ? `${args.out}\n`
          : `${file.part}\nThe export is incomplete. Run the same command again when these systems answer. It requests only the missing parts.\n`,
      );
    } finally {
      await gateway.close();
    }
  },
});

function hasMore({ sections }: ExportDocument): boolean {
  return Object.values(sections).some(({ failures }) => failures.some(({ isFinal }) => !isFinal));
}

function summaryOf({ notAnswered, notExported, sections }: ExportDocument): string[] {
  const truncatedLists = Object.values(sections).flatMap((section) => section.truncatedLists);
  return [
    `${Object.keys(sections).length} parts are complete.`,
    ...notAnswered.map(
      ({ source, code, fields }) =>
        `not answered: ${source ?? 'the gateway'} (${code}): ${fields.join(', ')}`,
    ),
    ...notExported.map(({ field, reason }) => `not exported: ${field}: ${reason}`),
    ...truncatedLists.map(
      ({ field, maxItems }) =>
        `may be longer: ${field} is exported up to ${maxItems} entries; see the system itself for more`,
    ),
  ];
}
