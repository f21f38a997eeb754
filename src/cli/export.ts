import { defineCommand } from 'citty';
import { openExportFile, type ExportDocument } from '../privacy/export-document.js';
import { planExport } from '../privacy/export-plan.js';
import { exportCustomer } from '../privacy/export.js';
import { openOwnGateway, readBy } from './own-gateway.js';

export const exportAll = defineCommand({
  meta: {
    name: 'export',
    description: 'Writes all that all systems hold on a customer to a file, for the customer',
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
      description: 'Where to. What could not be had yet is in <file>.part: run again to get the rest',
    },
  },
  run: async ({ args }) => {
    const { namespace, value } = await readBy(args.by);
    const gateway = openOwnGateway();
    try {
      const { digests } = gateway;
      const file = openExportFile(args.out, digests.of({ namespace, value }));
      const result = await exportCustomer({
        plan: planExport(gateway.schema),
        sourceOfField: gateway.sourceOfField,
        by: { [namespace]: value },
        digestOf: (identifier) => digests.of(identifier),
        ask: (query, variables, maxAgeMs) => gateway.ask(query, variables, { maxAgeMs }),
        begun: file.begun,
        save: (document) => {
          file.save(document);
        },
        onProgress: ({ field, number, of }) => process.stderr.write(`${number}/${of} ${field}\n`),
        now: Date.now,
      });
      if (result.kind === 'nobody') {
        const isUnknown = result.failures.length === 0;
        process.exitCode = isUnknown ? 1 : 2;
        const reasons = result.failures.map(({ code, message }) => `${code}: ${message}`);
        process.stderr.write(
          `${isUnknown ? 'No system knows this customer.' : reasons.join('\n')}\nNothing was written.\n`,
        );
        return;
      }
      const { document } = result;
      // What asking again would not change is told in the file, and is no reason to keep it back.
      const isFinished = !hasMore(document);
      if (isFinished) file.finish();
      if (!document.complete) process.exitCode = 2;
      process.stderr.write(`${summaryOf(document).join('\n')}\n`);
      process.stdout.write(
        isFinished
          ? `${args.out}\n`
          : `${file.part}\nNot all is there yet: run the same command again when these systems answer. It asks only for what is missing.\n`,
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
  const cutOff = Object.values(sections).flatMap((section) => section.cutOff);
  return [
    `${Object.keys(sections).length} parts are there.`,
    ...notAnswered.map(
      ({ source, code, fields }) =>
        `not answered: ${source ?? 'the gateway'} (${code}): ${fields.join(', ')}`,
    ),
    ...notExported.map(({ field, reason }) => `not exported: ${field}: ${reason}`),
    ...cutOff.map(
      ({ field, givenAtMost }) =>
        `may be longer: ${field} is given up to ${givenAtMost}; look in the system itself`,
    ),
  ];
}
