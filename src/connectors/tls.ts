import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { z } from 'zod';
import { setting, type Setting } from '../settings.js';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * A setting for additional CA certificates (PEM), as text or as the path of a file. Connections then trust them and
 * the public CAs. Without it they trust only public CAs.
 */
export function caSetting(variable: string): Setting<string | undefined> {
  const schema = z
    .string()
    .transform((value, context) => {
      try {
        const pem = value.includes('-----BEGIN') ? value : readFileSync(value, 'utf8');
        const certificates = pem.match(CERTIFICATE) ?? [];
        for (const certificate of certificates) new X509Certificate(certificate);
        if (certificates.length > 0) return certificates.join('\n');
      } catch {
        // The file is missing or holds no certificate: reported below in the setting's own words.
      }
      context.addIssue({ code: 'custom' });
      return z.NEVER;
    })
    .optional();
  return setting(variable, schema, 'certificates in PEM format, or the path of a file with them');
}

/** The TLS context with the additional CAs; undefined without any. It is created once and shared by all connections. */
export function trustCertificates(certificates: string | undefined): SecureContext | undefined {
  return certificates === undefined
    ? undefined
    : createSecureContext({ ca: [...rootCertificates, certificates] });
}
