import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { sources } from '../../sources/index.js';
import { readSdl } from '../../src/stitching/sdl.js';
import { readSubscriptionRules } from '../../src/stitching/subscription-rules.js';
import { eventTypesOf } from '../../src/webhooks/event.js';

/** The published schema with all sources. */
export const publishedSchema = buildSchema(readFileSync('schema/gateway.graphql', 'utf8'));

/** The SDL of all sources. */
export const publishedSdl = readSdl(
  sources.map(({ name }) => name),
  {},
  [],
);

export const eventTypes = eventTypesOf(publishedSchema);
export const subscriptionRules = readSubscriptionRules(publishedSdl, publishedSchema);
