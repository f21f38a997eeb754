import { isDeepStrictEqual } from 'node:util';
import { createClient } from './load.js';
import type { Running } from './processes.js';
import { customersEverywhere, customersQuery, customerQuery } from './query.js';
import type { Figure } from './report.js';

/** Checks that both give equal answers. Runs before the measurements. */
export async function sameAnswers(name: string, gateway: Running, other: Running): Promise<Figure> {
  const emails = customersEverywhere();
  const bodies = [
    ...emails.slice(0, 40).map((email) => customerQuery(email)),
    customersQuery(emails.slice(0, 50)),
  ];
  const [ours, theirs] = [createClient(gateway.ready.url), createClient(other.ready.url)];
  for (const body of bodies) {
    const [a, b] = [await ours.post(body), await theirs.post(body)];
    if (a.body.includes('"errors"') || !isDeepStrictEqual(JSON.parse(a.body), JSON.parse(b.body))) {
      throw new Error(
        `The answers differ.\nRequest: ${body}\nGateway: ${a.body}\nThe other, ${name}: ${b.body}`,
      );
    }
  }
  ours.close();
  theirs.close();
  return {
    name: `answers equal, field by field, gateway and ${name}`,
    value: bodies.length,
    unit: 'answers',
  };
}
