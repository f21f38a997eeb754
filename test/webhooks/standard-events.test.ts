import { describe, expect, it } from 'vitest';
import { standardWebhook } from '../../src/webhooks/standard.js';

const NOW = Date.parse('2026-03-02T09:00:00Z');
const webhook = standardWebhook({ variable: 'LOYALTY_WEBHOOK_SECRETS', namespaces: ['email'] });

function read(body: object, headers: Record<string, string> = {}) {
  const request = {
    method: 'POST',
    url: 'https://gateway.example.nl/webhooks/loyalty',
    headers: new Headers(headers),
    body: Buffer.from(JSON.stringify(body)),
  };
  return webhook.events(request, NOW);
}

describe('an event of a system of your own', () => {
  it('has the id of its signed header, or else of its body', () => {
    const body = { id: 'of-the-body', type: 'points.earned' };
    expect(read(body, { 'webhook-id': 'of-the-header' })).toMatchObject([{ id: 'of-the-header' }]);
    expect(read(body)).toMatchObject([{ id: 'of-the-body' }]);
  });

  it.each([
    [
      'its timestamp',
      { timestamp: '2026-03-01T10:00:00+01:00', time: '2026-02-01T00:00:00Z' },
      '2026-03-01T09:00:00.000Z',
    ],
    ['its time', { time: '2026-02-01T00:00:00Z' }, '2026-02-01T00:00:00.000Z'],
    ['the time of its arrival', {}, '2026-03-02T09:00:00.000Z'],
  ])('happened at %s', (_, times, time) => {
    expect(read({ type: 'points.earned', ...times })).toMatchObject([{ time }]);
  });

  it('has the identifiers of declared namespaces, and the scalars of its data', () => {
    const data = {
      identifiers: { email: ['a@example.nl'], phone: ['+31612345678'] },
      ...{ points: 5, isGold: true, level: null, list: [1], nested: {}, note: 'x'.repeat(1_001) },
    };
    expect(read({ type: 'points.earned', subject: 71, data })).toEqual([
      {
        id: '',
        type: 'points.earned',
        time: '2026-03-02T09:00:00.000Z',
        subject: '71',
        identifiers: { email: ['a@example.nl'] },
        data: { points: 5, isGold: true, level: null },
      },
    ]);
  });
});
