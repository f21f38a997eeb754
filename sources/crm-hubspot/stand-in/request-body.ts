import type { HttpAnswer } from '../../stand-ins/http.js';
import { invalid } from './answers.js';

/** Returns the members of a JSON object, or the answer to an invalid body. */
export function readBody(body: string): { members: Record<string, unknown> } | HttpAnswer {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return invalid('Invalid input JSON on line 1, column 1: the request body is not JSON');
  }
  if (!isObject(value)) return invalid('Invalid input JSON on line 1, column 1: an object was expected');
  return { members: value };
}

export interface Input {
  id: string;
  after: string | undefined;
}

/** The `inputs` of a batch. */
export function readInputs(body: string, most: number): Input[] | HttpAnswer {
  const read = readBody(body);
  return 'status' in read ? read : inputsOf(read.members, most);
}

export function inputsOf(members: Record<string, unknown>, most: number): Input[] | HttpAnswer {
  const { inputs } = members;
  if (inputs === undefined) return invalid('Invalid input JSON: Some required fields were not set: [inputs]');
  if (!Array.isArray(inputs)) return invalid('Invalid input JSON: inputs must be a list');
  if (inputs.length > most) {
    return invalid(
      `The maximum number of inputs supported in a batch is ${most}. Please reduce the number of items and try again`,
    );
  }
  const ids: Input[] = [];
  for (const input of inputs as unknown[]) {
    const id = isObject(input) ? textOf(input['id']) : undefined;
    if (id === undefined) return invalid('Invalid input JSON: Some required fields were not set: [id]');
    ids.push({ id, after: isObject(input) ? textOf(input['after']) : undefined });
  }
  return ids;
}

/** A list of texts. A missing one is empty. */
export function textsOf(value: unknown): string[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

/** Accepts a number instead of a text, as HubSpot does. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
