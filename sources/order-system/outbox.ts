import { z } from 'zod';
import { databaseUrl, InvalidInputError, recordId, type OutboxDeclaration } from '../../src/index.js';

const scalars = z.record(z.string(), z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]));

/** MariaDB stores JSON as text. */
const json = z.string().transform((text, context) => {
  try {
    return scalars.parse(JSON.parse(text));
  } catch {
    context.addIssue('not JSON');
    return z.NEVER;
  }
});

const row = z.object({
  id: recordId,
  occurred_at: z.date(),
  type: z.string(),
  subject: recordId.nullable(),
  cust_no: recordId.nullable(),
  data: z.union([scalars, json]).nullable(),
});

export const outbox: OutboxDeclaration = {
  url: databaseUrl('ORDER_SYSTEM_OUTBOX_URL'),
  table: 'outbox',
  event: (found) => {
    const read = row.safeParse(found);
    if (!read.success) {
      const columns = new Set(read.error.issues.map(({ path }) => String(path[0])));
      throw new InvalidInputError(`The row is not as README.md has it: ${[...columns].join(', ')}.`);
    }
    const { id, occurred_at: occurredAt, type, subject, cust_no: customerNumber, data } = read.data;
    const time = occurredAt.toISOString();
    return {
      // The number alone would repeat if the table is created again.
      id: `${id} ${time}`,
      type,
      time,
      ...(subject === null ? {} : { subject }),
      identifiers: customerNumber === null ? {} : { customerNumber: [customerNumber] },
      data: data ?? {},
    };
  },
};
