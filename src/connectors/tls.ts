import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { z } from 'zod';
import { setting, type Setting } from '../settings.js';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Certificates of authorities that a system's own certificate may be from, beside those that all the world trusts: as PEM
 * text, or as the path of a file with it. Without it only the latter are trusted.
 */
export function caSetting(variable: string): Setting<string | undefined> {
  const schema = z
    .string()
    .transform((value, context) => {
      try {
        const pem = value.includes('-----BEGIN') ? value : readFileSync(value, 'utf8');
        const certificates = pem.match(CERTIFICATE) ?? [];
        for (const one of certificates) new X509Certificate(one);
        if (certificates.length > 0) return certificates.join('\n');
      } catch {
        // No such file, or no certificate: told below in the setting's own words.
      }
      context.addIssue({ code: 'custom' });
      return z.NEVER;
    })
    .optional();
  return setting(variable, schema, 'certificates in PEM format, or the path of a file with them');
}

/** What connections are secured by; undefined when nobody else is to be trusted. Making it once spares each connection that. */
export function trusting(certificates: string | undefined): SecureContext | undefined {
  return certificates === undefined
    ? undefined
    : createSecureContext({ ca: [...rootCertificates, certificates] });
}
