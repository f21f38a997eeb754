import { z } from 'zod';
import { GATEWAY_SETTINGS } from '../config.js';
import { rolesShape } from '../context/role-settings.js';
import { keyOfVariable } from '../declared-settings.js';
import { declarationSchemas } from '../declared/declared-source.js';
import { freshness, limits } from '../declared/grammar.js';
import type { Setting } from '../settings.js';
import { WEBHOOK_SETTINGS } from '../webhooks/settings.js';

type JsonSchema = Readonly<Record<string, unknown>>;

/** `{ variable: NAME }` or `{ file: path }`, in place of any value. */
const reference = z.union([z.strictObject({ variable: z.string() }), z.strictObject({ file: z.string() })]);

/** The JSON Schema of gateway.yaml and of declared sources, for editors. Only a declared source has `source`. */
export function editorSchema(): JsonSchema {
  const { definitions, ...source } = toJsonSchema(z.union(Object.values(declarationSchemas)));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'gateway.yaml and sources/<name>.yaml of Stekkerdoos',
    if: { type: 'object', required: ['source'] },
    then: source,
    else: gatewaySchema(),
    definitions,
  };
}

function toJsonSchema(schema: z.ZodType, reused: 'ref' | 'inline' = 'ref'): JsonSchema {
  const converted: Record<string, unknown> = {
    ...z.toJSONSchema(schema, { target: 'draft-7', io: 'input', reused }),
  };
  delete converted['$schema'];
  return converted;
}

function gatewaySchema(): JsonSchema {
  const settings = [...Object.values(GATEWAY_SETTINGS), ...Object.values(WEBHOOK_SETTINGS)];
  const ofSource = { limits: toJsonSchema(limits, 'inline'), freshness: toJsonSchema(freshness, 'inline') };
  return {
    type: ['object', 'null'],
    additionalProperties: false,
    properties: {
      ...Object.fromEntries(
        settings.map((setting) => [keyOfVariable(setting.variable), settingSchema(setting)]),
      ),
      roles: orReference(toJsonSchema(rolesShape, 'inline')),
      sources: {
        description: 'The settings of each source, by its name. false leaves a source out.',
        type: 'object',
        additionalProperties: { type: ['object', 'boolean'], properties: ofSource },
      },
    },
  };
}

/** A setting is a text in an environment variable. In YAML it may be a number, a boolean or a list too. */
function settingSchema({ schema, expects, secret = false }: Setting<unknown>): JsonSchema {
  const description = `${expects.charAt(0).toUpperCase()}${expects.slice(1)}.`;
  if (secret) return { description, ...toJsonSchema(reference, 'inline') };
  const { enum: values } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  if (values === undefined)
    return { description, ...orReference({ type: ['string', 'number', 'boolean', 'array', 'object'] }) };
  const booleans = [true, false].filter((value) => values.includes(String(value)));
  return { description, ...orReference({ enum: [...values, ...booleans] }) };
}

function orReference(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, ...(toJsonSchema(reference, 'inline')['anyOf'] as JsonSchema[])] };
}
