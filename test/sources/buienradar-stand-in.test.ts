import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBuienradar } from '../../sources/buienradar/stand-in/index.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { listAt } from '../support/read.js';

describe('the stand-in of Buienradar', () => {
  let standIn: StandIn;
  const get = (path: string, init: RequestInit = {}) => fetch(standIn.url + path, init);

  beforeAll(async () => {
    standIn = await startBuienradar({ now: () => Date.parse('2026-11-01T12:03:00Z') });
  });
  afterAll(() => standIn.close());

  it('sends the same weather each time, in local time', async () => {
    const read = (): Promise<unknown> => get('/2.0/feed/json').then((answer) => answer.json());
    const [first, second] = await Promise.all([read(), read()]);
    expect(first).toEqual(second);
    expect(listAt(first, 'actual', 'stationmeasurements')[0]).toMatchObject({
      stationname: 'Meetstation Arcen',
      timestamp: '2026-11-01T13:00:00',
    });
    expect(listAt(first, 'forecast', 'fivedayforecast')[0]).toMatchObject({ day: '2026-11-02T00:00:00' });
  });

  it('sends the rain of two hours in steps of five minutes, and nothing outside its area', async () => {
    const text = await get('/data/raintext?lat=52.09&lon=5.12').then((answer) => answer.text());
    const lines = text.split('\r\n');
    expect(lines).toHaveLength(25);
    expect(lines[0]).toMatch(/^\d+(\.5)?\|13:00$/);
    expect(lines[23]).toMatch(/\|14:55$/);
    expect(await get('/data/raintext?lat=40&lon=5').then((answer) => answer.text())).toBe('');
  });

  it.each([
    ['/data/raintext', 'GET', 400],
    ['/data/raintext?lat=x&lon=5', 'GET', 400],
    ['/2.0/feed/xml', 'GET', 404],
    ['/2.0/feed/json', 'POST', 405],
  ])('answers %s by %s with %d', async (path, method, status) => {
    expect((await get(path, { method })).status).toBe(status);
  });
});
