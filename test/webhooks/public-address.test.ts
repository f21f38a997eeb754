import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../src/webhooks/public-address.js';
import { createSender } from '../../src/webhooks/send.js';
import { anEndpoint } from './deliveries.js';
import { startReceiver, type Receiver } from './receiver.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const item of open.splice(0)) await item.close();
});

async function trySending(
  url: (receiver: Receiver) => string,
  addresses: readonly string[] = [],
  allowPrivate = false,
): Promise<{ reason: string; received: number }> {
  const receiver = await startReceiver();
  const sender = createSender({
    timeoutMs: 2_000,
    lookup: (_, options, callback) => {
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      if (options.all === true) callback(null, found);
      else callback(null, found[0]?.address ?? '', found[0]?.family);
    },
  });
  open.push(receiver, sender);
  const { reason } = await sender.send(anEndpoint('x', url(receiver), { allowPrivate }), {
    id: 'msg_1',
    body: '{}',
    now: Date.now(),
  });
  return { reason, received: receiver.received.length };
}

const portOf = (receiver: Receiver): string => new URL(receiver.url).port;
const refused = { reason: 'private address', received: 0 };

describe('an endpoint that must be public', () => {
  it.each([
    '127.0.0.1',
    '0.0.0.0',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::]',
  ])('receives no request at %s, in any notation', async (host) => {
    expect(await trySending((receiver) => `http://${host}:${portOf(receiver)}/`)).toEqual(refused);
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.8', '169.254.169.254', '64:ff9b::7f00:1'])(
    'receives no request if its name resolves to %s',
    async (address) => {
      const named = (receiver: Receiver) => `http://hooks.example.nl:${portOf(receiver)}/`;
      expect(await trySending(named, [address])).toEqual(refused);
    },
  );

  it('is checked for every connection, because a name may resolve to another address later', async () => {
    const receiver = await startReceiver();
    let lookups = 0;
    const sender = createSender({
      timeoutMs: 2_000,
      lookup: (_, options, callback) => {
        lookups += 1;
        if (lookups === 1) callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), '');
        else if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
        else callback(null, '127.0.0.1', 4);
      },
    });
    open.push(receiver, sender);
    const endpoint = anEndpoint('x', `http://hooks.example.nl:${portOf(receiver)}/`, { allowPrivate: false });
    const message = { id: 'msg_1', body: '{}', now: Date.now() };
    expect((await sender.send(endpoint, message)).reason).toBe('name not found');
    expect((await sender.send(endpoint, message)).reason).toBe('private address');
    expect(receiver.received).toEqual([]);
  });

  it('receives requests in a private network if its settings allow that', async () => {
    const named = (receiver: Receiver) => `http://hooks.example.nl:${portOf(receiver)}/`;
    expect(await trySending(named, ['127.0.0.1'], true)).toEqual({ reason: 'status 204', received: 1 });
  });
});

describe('an address', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const inside = (prefix: readonly number[]) =>
    fc
      .tuple(byte, byte, byte, byte)
      .map((bytes) => bytes.map((byte, index) => prefix[index] ?? byte).join('.'));

  it('of a private, local, shared or special network is never public, even as an IPv6 address', () => {
    const networks = [
      [0],
      [10],
      [127],
      [169, 254],
      [192, 168],
      [192, 0, 0],
      [198, 18],
      [198, 51, 100],
      [203, 0, 113],
    ];
    fc.assert(
      fc.property(fc.oneof(...networks.map(inside)), (address) => {
        const hex = address
          .split('.')
          .map((value) => Number(value).toString(16).padStart(2, '0'))
          .join('')
          .replace(/^(....)/, '$1:');
        const forms = [address, `::ffff:${address}`, `::${address}`, `64:ff9b::${address}`, `2002:${hex}::1`];
        return forms.every((form) => !isPublicAddress(form));
      }),
    );
  });

  it.each([
    ['9.255.255.255', true],
    ['11.0.0.0', true],
    ['100.63.255.255', true],
    ['100.64.0.0', false],
    ['100.127.255.255', false],
    ['100.128.0.0', true],
    ['172.15.255.255', true],
    ['172.16.0.0', false],
    ['172.31.255.255', false],
    ['172.32.0.0', true],
    ['223.255.255.255', true],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['2a00:1450:400e::1', true],
    ['2001:db8::1', false],
    ['fe80::1', false],
    ['fd00::1', false],
    ['ff02::1', false],
    ['hooks.example.nl', false],
    ['', false],
  ])('%s is public: %s', (address, isPublic) => {
    expect(isPublicAddress(address)).toBe(isPublic);
  });
});
