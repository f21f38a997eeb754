import { z } from 'zod';
import type { DeliveryRecord } from './store.js';

export const storedEvent = z.object({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  time: z.string(),
  subject: z.string().optional(),
  identifiers: z.record(z.string(), z.array(z.string())),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export const leasedEvent = z.object({
  seq: z.number(),
  event_key: z.string(),
  sealed: z.string().nullable(),
  attempts: z.number(),
});
export const leasedDelivery = z.object({
  id: z.string(),
  trigger_name: z.string(),
  attempts: z.number(),
  due_at: z.number(),
  event_key: z.string(),
  sealed: z.string().nullable(),
});
export const deliveryRecord = z
  .object({
    id: z.string(),
    state: z.enum(['waiting', 'delivered', 'skipped', 'cancelled', 'dead']),
    trigger_name: z.string(),
    endpoint: z.string(),
    attempts: z.number(),
    reason: z.string(),
    created_at: z.number(),
    due_at: z.number(),
    next_at: z.number().nullable(),
    finished_at: z.number().nullable(),
  })
  .transform(({ trigger_name, created_at, due_at, next_at, finished_at, ...same }): DeliveryRecord => ({
    ...same,
    trigger: trigger_name,
    createdAt: created_at,
    dueAt: due_at,
    nextAt: next_at,
    finishedAt: finished_at,
  }));
export const disabledEndpoint = z.object({
  endpoint: z.string(),
  disabled_at: z.number(),
  reason: z.string(),
});
export const eventCount = z.object({ state: z.string(), count: z.number(), oldest: z.number() });
export const deliveryCount = z.object({
  endpoint: z.string(),
  state: z.enum(['waiting', 'delivered', 'skipped', 'cancelled', 'dead']),
  count: z.number(),
});
