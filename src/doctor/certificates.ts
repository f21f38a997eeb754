import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Check } from './examine.js';
import type { Finding } from './finding.js';

const WARNING_DAYS = 21;
const DAY_MS = 86_400_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** Checks until when the certificates of all addresses in the settings are valid. `settings` are shown values, by variable. */
export function certificateChecks(settings: Readonly<Record<string, string>>): Check[] {
  const addresses = Object.entries(settings).flatMap(([variable, value]) =>
    /^(https|rediss):/.test(value) && URL.canParse(value) ? [{ variable, url: new URL(value) }] : [],
  );
  const byHost = new Map(addresses.map((address) => [address.url.host, address]));
  return [...byHost.values()].map(({ variable, url }) => ({
    name: 'certificates',
    of: variable,
    run: () => findingsOf(variable, url),
  }));
}

async function findingsOf(variable: string, url: URL): Promise<Finding[]> {
  const validTo = await endOfCertificate(url);
  return validTo === undefined ? [] : endFindings(variable, url.host, validTo - Date.now());
}

/** The findings about a certificate that is valid for `leftMs` more milliseconds. */
export function endFindings(variable: string, host: string, leftMs: number): Finding[] {
  const days = Math.floor(leftMs / DAY_MS);
  if (days >= WARNING_DAYS) return [];
  return [
    {
      check: 'certificates',
      severity: days < 0 ? 'error' : 'warning',
      where: variable,
      seen:
        days < 0
          ? `The certificate of ${host} has expired.`
          : `The certificate of ${host} is valid for ${days} more days.`,
      remedy: 'Renew the certificate of the system.',
    },
  ];
}

/**
 * Undefined if there is no connection. Another check reports that. No data is sent, so any certificate is
 * accepted.
 */
function endOfCertificate({ hostname, port, protocol }: URL): Promise<number | undefined> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const defaultPort = protocol === 'https:' ? 443 : 6379;
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: port === '' ? defaultPort : Number(port),
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      timeout: CONNECT_TIMEOUT_MS,
    });
    const end = (validTo?: number): void => {
      socket.destroy();
      resolve(validTo);
    };
    socket.once('secureConnect', () => {
      const at = Date.parse(socket.getPeerCertificate().valid_to);
      end(Number.isNaN(at) ? undefined : at);
    });
    socket.once('timeout', () => {
      end();
    });
    socket.once('error', () => {
      end();
    });
  });
}
