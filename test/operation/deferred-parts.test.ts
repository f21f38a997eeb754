import { describe, expect, it } from 'vitest';
import { deliverIncremental, type IncrementalSteps } from '../../src/operation/deferred.js';

type Part = Awaited<ReturnType<ReturnType<typeof deliverIncremental>['next']>>['value'];
const part: Part = { incremental: [{ data: { name: 'Eva' }, path: ['customer'] }], hasNext: false };

/** An answer with two results. */
function deliver(audit: IncrementalSteps['audit']) {
  const subsequent = (async function* (): AsyncGenerator<Part> {
    yield await Promise.resolve(part);
  })();
  return deliverIncremental({ data: { customer: {} }, hasNext: true }, subsequent, {
    signal: undefined,
    audit,
    toClientErrors: (errors) => errors as never,
    extensions: () => ({}),
    cancel: () => undefined,
    end: () => undefined,
  });
}

describe('a subsequent result of an answer', () => {
  it('is sent only after its audit line is written', async () => {
    const order: string[] = [];
    const parts = deliver(async () => {
      await new Promise(setImmediate);
      order.push('audited');
    });
    await parts.next();
    expect((await parts.next()).value).toEqual(part);
    order.push('delivered');
    expect(order).toEqual(['audited', 'delivered']);
  });

  it('is withheld if its audit line cannot be written', async () => {
    const parts = deliver(() => Promise.reject(new Error('no disk')));
    await parts.next();
    const value: unknown = (await parts.next()).value;
    expect(value).toMatchObject({ incremental: [{ data: null, path: ['customer'] }], hasNext: false });
    expect(JSON.stringify(value)).not.toContain('Eva');
  });
});
