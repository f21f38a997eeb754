import { z } from 'zod';
import type { Caller } from '../context/caller.js';
import type { Purpose } from '../customer/schema.generated.js';
import type { AuditedOperation } from '../privacy/audit-line.js';

/** What was submitted for a job, beside its lines. Instances read it to answer the lines for the same caller. */
export interface StoredRequest {
  operation: string;
  /** The operation as in audit lines. */
  audited: AuditedOperation;
  variables: Readonly<Record<string, unknown>>;
  /** The columns of the CSV. Undefined: the lines are JSON. */
  inputs: readonly string[] | undefined;
  purpose: Purpose | undefined;
  caller: Caller;
  /** The endpoint that the rows are sent to. Undefined: they are stored until they are fetched. */
  deliverTo?: string | undefined;
}

const texts = z.array(z.string());
const setOfTexts = texts.transform((all) => new Set(all));
const purpose = z.custom<Purpose>((value) => typeof value === 'string');

const caller = z
  .object({
    name: z.string(),
    subject: z.string().optional(),
    budget: z.string().optional(),
    roles: texts,
    scopes: setOfTexts,
    purposes: z.array(purpose),
    defaultPurpose: purpose.optional(),
    priority: z.enum(['interactive', 'automation', 'bulk']),
    maxCost: z.number(),
    costPerMinute: z.number(),
    origins: texts,
    operations: z.enum(['any', 'persisted']),
    sees: z.enum(['clear', 'masked']),
    findsBy: z.union([z.literal('all'), setOfTexts]),
    customer: z.object({ namespace: z.string(), value: z.string() }).optional(),
  })
  .transform(({ subject, budget, defaultPurpose, customer, ...rest }): Caller => ({
    ...rest,
    ...(subject === undefined ? {} : { subject }),
    ...(budget === undefined ? {} : { budget }),
    ...(defaultPurpose === undefined ? {} : { defaultPurpose }),
    ...(customer === undefined ? {} : { customer }),
  }));

const storedRequest = z.object({
  operation: z.string(),
  audited: z.object({ name: z.string().nullable(), id: z.string() }),
  variables: z.record(z.string(), z.unknown()),
  inputs: texts.optional(),
  purpose: purpose.optional(),
  caller,
  deliverTo: z.string().optional(),
});

export function writeRequest(request: StoredRequest): string {
  return JSON.stringify(request, (_, value: unknown) => (value instanceof Set ? [...value] : value));
}

export function readRequest(text: string): StoredRequest {
  const { inputs, purpose, ...request } = storedRequest.parse(JSON.parse(text));
  return { ...request, inputs, purpose };
}
