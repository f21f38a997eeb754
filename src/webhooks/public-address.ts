import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';

/** Special IPv4 networks (https://www.iana.org/assignments/iana-ipv4-special-registry) and multicast. */
const special = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Includes the metadata services of clouds.
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
 * Only 2000::/3 of IPv6 is public. Its special networks are excluded: tunnels and translations, which can reach any IPv4
 * address, and documentation. IPv4-mapped addresses are outside this network.
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

/** Whether an address is public: false for private, local and special addresses, and for a text that is not an address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address);
  return family === 6 && publicIpv6.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/** The address of the endpoint is private, and the endpoint has no `allowPrivate`. */
export class PrivateAddressError extends Error {
  readonly code = 'PRIVATE_ADDRESS';

  constructor() {
    super('The address is in a private network.');
  }
}

/**
 * Connects to public addresses only. It checks the address of the connection itself, because a name that was resolved earlier
 * can resolve to another address now.
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
