import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { InvalidInputError } from '../errors.js';

const status = z.record(z.string(), z.object({ status: z.string(), asOf: z.string() }));

const failure = z.object({
  /** Null if the failure is not a system's. */
  source: z.string().nullable(),
  code: z.string(),
  /** Whether a repetition cannot succeed. */
  isFinal: z.boolean(),
});
export type Failure = z.infer<typeof failure>;

const section = z.object({
  fetchedAt: z.string(),
  /** The systems that contributed, and the age of their answers. */
  sources: status,
  failures: z.array(failure),
  /** Lists without pages that may have more items than exported. */
  truncatedLists: z.array(z.object({ field: z.string(), maxItems: z.number() })),
});
export type ExportedSection = z.infer<typeof section>;

const document = z.object({
  format: z.literal('stekkerdoos export 2'),
  exportedAt: z.string(),
  customerId: z.string().nullable(),
  /** Digest of the identifier of the export. */
  by: z.string(),
  /** Whether all data of the systems is included. */
  complete: z.boolean(),
  /** Failures by system. If a part is null because of a failure, the system may still hold data. */
  notAnswered: z.array(
    z.object({ source: z.string().nullable(), code: z.string(), fields: z.array(z.string()) }),
  ),
  notExported: z.array(z.object({ field: z.string(), reason: z.string() })),
  /** All queried systems, with the worst status and the age of the oldest answer. */
  sources: status,
  /** Data by field of Customer. */
  data: z.record(z.string(), z.unknown()),
  sections: z.record(z.string(), section),
  /** Digests of the customer's identifiers. */
  identifiers: z.array(z.string()),
});
/** All data of a customer. */
export type ExportDocument = z.infer<typeof document>;

function emptyDocument(by: string): ExportDocument {
  return {
    format: 'stekkerdoos export 2',
    exportedAt: '',
    customerId: null,
    by,
    complete: false,
    notAnswered: [],
    notExported: [],
    sources: {},
    data: {},
    sections: {},
    identifiers: [],
  };
}

/** The file of an export. Until no repetition can add data, the export is stored as `<file>.part`. */
export interface ExportFile {
  begun: ExportDocument;
  save(document: ExportDocument): void;
  /** Renames the part file to the final name. */
  finish(): void;
  part: string;
}

export function openExportFile(path: string, by: string): ExportFile {
  const part = `${path}.part`;
  if (existsSync(path)) throw new InvalidInputError('The file exists already: name another one.');
  const begun = existsSync(part) ? readPart(part, by) : emptyDocument(by);
  return {
    begun,
    part,
    save: (whole) => {
      // Written under another name and then renamed, so that a crash cannot destroy the earlier file.
      const temporary = `${part}.new`;
      const file = openSync(temporary, 'w', 0o600);
      try {
        const bytes = Buffer.from(`${JSON.stringify(whole, null, 2)}\n`);
        for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, part);
    },
    finish: () => {
      renameSync(part, path);
    },
  };
}

function readPart(part: string, by: string): ExportDocument {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(part, 'utf8'));
  } catch {
    // Invalid JSON is reported below, like any other invalid content.
  }
  const { data } = document.safeParse(content);
  if (data === undefined) throw new InvalidInputError(`${part} is not an unfinished export: remove it.`);
  if (data.by !== by)
    throw new InvalidInputError(`${part} belongs to another customer: remove it, or name another file.`);
  return data;
}
