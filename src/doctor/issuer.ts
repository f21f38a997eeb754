import { z } from 'zod';
import type { Finding } from './finding.js';

const TIMEOUT_MS = 5_000;
const keySet = z.object({ keys: z.array(z.unknown()).min(1) });

/** Checks that the keys of the issuer of tokens can be fetched. */
export async function issuerFindings(url: string): Promise<Finding[]> {
  const problem = (seen: string): Finding[] => [
    {
      check: 'credentials',
      severity: 'error',
      where: 'JWT_JWKS_URL',
      seen: `${seen} Tokens are refused.`,
      remedy: 'Check the address, the network, and that the issuer runs.',
    },
  ];
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) {
      await response.body?.cancel();
      return problem(`The issuer answers with status ${response.status} instead of its keys.`);
    }
    return keySet.safeParse(await response.json()).success
      ? []
      : problem('The answer of the issuer is not a JSON Web Key Set.');
  } catch {
    return problem('The keys of the issuer cannot be fetched.');
  }
}
