import { expect, it } from 'vitest';
import { Schemas } from '../../../src/connect/rest/schemas.js';
import type { Shape } from '../../../src/connect/rest/shape.js';

const text = { type: 'string' };
const schemas = new Schemas({
  schemas: {
    Short: {
      type: 'object',
      required: ['id'],
      properties: { id: text, home: { properties: { city: text } } },
    },
    Whole: {
      type: 'object',
      required: ['id'],
      properties: {
        id: text,
        mail: text,
        home: { properties: { street: text } },
        self: { $ref: '#/schemas/Whole' },
      },
    },
    Page: { properties: { rows: { type: 'array', items: { $ref: '#/schemas/Short' } }, next: text } },
    Found: { properties: { rows: { type: 'array', items: { $ref: '#/schemas/Whole' } } } },
  },
});
const namesOf = (shape?: Shape) => shape?.members().map(({ name }) => name);
const memberOf = (shape: Shape | undefined, name: string) =>
  shape?.members().find((member) => member.name === name)?.shape;

it.each(['oneOf', 'anyOf'])(
  'reads the members of all alternatives of %s, also in lists and objects',
  (word) => {
    const shape = schemas.shapeOf({ [word]: [{ $ref: '#/schemas/Page' }, { $ref: '#/schemas/Found' }] });
    expect(namesOf(shape)).toEqual(['rows', 'next']);
    const row = memberOf(shape, 'rows')?.item();
    expect(row?.name).toBe('Whole');
    expect(namesOf(row)).toEqual(['id', 'mail', 'home', 'self']);
    expect(namesOf(memberOf(row, 'home'))).toEqual(['street', 'city']);
    expect(row?.members().every(({ isRequired }) => !isRequired)).toBe(true);
    expect(memberOf(row, 'self')).toBe(schemas.shapeOf({ $ref: '#/schemas/Whole' }));
  },
);
