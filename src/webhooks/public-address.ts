import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';

/** IPv4 that is not everybody's: https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast. */
const special = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // With it the addresses where clouds tell machines about themselves.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(network, bits);

/**
 * Of IPv6 only what is given out as public (2000::/3), and of that not what is special: tunnels and translations, behind
 * which any IPv4 may be, and examples. So IPv4 written as IPv6 is none either.
 */
const publicIpv6 = new BlockList();
publicIpv6.addSubnet('2000::', 3, 'ipv6');
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(network, bits, 'ipv6');

/** Whether everybody may be sent there: false for private, local and special addresses, and for what is no address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address);
  return family === 6 && publicIpv6.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/** The endpoint's address is private, which it may not be. */
export class PrivateAddressError extends Error {
  readonly code = 'PRIVATE_ADDRESS';

  constructor() {
    super('The address lies in a private network.');
  }
}

/**
 * Connects to public addresses only. What is checked is the very address that is connected to: a name that is looked up
 * before may mean another one a moment later.
 */
export function publicConnector(
  timeoutMs: number,
  lookup: LookupFunction = systemLookup,
): buildConnector.connector {
  const connect = buildConnector({ timeout: timeoutMs, lookup: publicOnly(lookup) });
  return (options, callback) => {
    // An address in the URL is not looked up.
    const host = options.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !isPublicAddress(host)) callback(new PrivateAddressError(), null);
    else connect(options, callback);
  };
}

function publicOnly(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const open = error === null ? addresses.filter(({ address }) => isPublicAddress(address)) : [];
      const [first] = open;
      if (error !== null) callback(error, '');
      else if (first === undefined) callback(new PrivateAddressError(), '');
      else if (options.all === true) callback(null, open);
      else callback(null, first.address, first.family);
    });
  };
}
