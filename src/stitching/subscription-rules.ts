import {
  getDirectiveValues,
  Kind,
  print,
  type FieldDefinitionNode,
  type GraphQLDirective,
  type GraphQLSchema,
} from 'graphql';
import { ConfigError } from '../errors.js';
import { typeOf } from '../webhooks/event.js';
import type { AwaitedEvents, SubscriptionRules } from '../webhooks/interest.js';
import { readConditions } from './conditions.js';
import { directiveNamed } from './policies.js';
import { placeOf, type Sdl } from './sdl.js';

/** `@waitsFor`, as schema/events.graphql declares it: lists of values of EventType. */
type Declared = Record<keyof AwaitedEvents, readonly string[]>;

/** The fields of `Subscription` that wait for events of every type. */
const OF_EVERY_TYPE = new Set(['meChanged', 'customerChanged', 'event']);

/** Reads the rules of subscriptions in the SDL. Throws a ConfigError that lists all problems. */
export function readSubscriptionRules(sdl: Sdl, schema: GraphQLSchema): SubscriptionRules {
  const directive = directiveNamed('waitsFor', sdl);
  const awaited = new Map<string, AwaitedEvents>();
  const problems: string[] = [];
  for (const type of [sdl.coreSchema, ...sdl.sources.values()].flatMap(({ definitions }) => definitions)) {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    for (const field of type.fields ?? []) {
      const isSubscription = type.name.value === 'Subscription';
      const problem = problemWith(field, directive, isSubscription);
      if (problem !== undefined)
        problems.push(`${placeOf(field.name)}: "${type.name.value}.${field.name.value}" ${problem}.`);
      const events = getDirectiveValues(directive, field) as Declared | undefined;
      if (events === undefined) continue;
      const { types, later, unless } = events;
      awaited.set(field.name.value, {
        types: types.map(typeOf),
        later: later.map(typeOf),
        unless: unless.map(typeOf),
      });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { conditions: readConditions(sdl, schema), awaited };
}

function problemWith(
  field: FieldDefinitionNode,
  directive: GraphQLDirective,
  isSubscription: boolean,
): string | undefined {
  const events = getDirectiveValues(directive, field) as Declared | undefined;
  if (!isSubscription) return events === undefined ? undefined : 'has @waitsFor, but is not a subscription';
  if (OF_EVERY_TYPE.has(field.name.value)) return undefined;
  if (events === undefined) return 'needs @waitsFor with the events that it waits for';
  if (print(field.type) !== 'CustomerEvent') return 'must be of the type CustomerEvent';
  if (events.types.length + events.later.length === 0) return 'waits for no event';
  const delay = field.arguments?.find(({ name }) => name.value === 'delay');
  if (events.later.length > 0 && (delay === undefined || print(delay.type) !== 'Duration!'))
    return 'needs an argument "delay: Duration!", since events are sent later';
  return undefined;
}
