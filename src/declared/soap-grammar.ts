import { z } from 'zod';
import { members } from './grammar-problems.js';
import { callMembers, path, scalar, text } from './grammar.js';
import { httpConnect, systemPath } from './http-grammar.js';
import { settingName } from './setting-name.js';

const OPERATION = 'must be the name of an operation in the WSDL, such as checkVat';
const operation = z.string({ error: OPERATION }).regex(/^[\p{L}_][\p{L}\p{N}_.-]*$/u, { error: OPERATION });
const parts = z.record(z.string(), z.json(), {
  error: 'must be a map from parts of the input to values, such as { number: "{key}" }',
});
const WSDL =
  'must be a file beside the declaration, such as warranty.wsdl, or a path of the system, such as /service?wsdl';

export const soapConnect = members(
  {
    soap: settingName,
    path: systemPath.exactOptional(),
    // No segment begins with a dot, so the file is in the folder of the declaration.
    wsdl: z
      .string({ error: WSDL })
      .regex(/^(?:\/\S*|\w[\w-]*(?:\.\w[\w-]*)*(?:\/\w[\w-]*(?:\.\w[\w-]*)*)*\.(?:wsdl|xml))$/, {
        error: WSDL,
      }),
    version: z.enum(['1.1', '1.2'], { error: 'must be "1.1" or "1.2"' }).exactOptional(),
    ...httpConnect,
    usernameToken: members({
      user: settingName,
      password: settingName,
      digest: z.boolean({ error: 'must be true or false' }).exactOptional(),
    }).exactOptional(),
    faults: z
      .record(
        text('must be a word of a fault'),
        z.enum(
          [
            ...['unavailable', 'rate-limited', 'key-unavailable', 'key-rate-limited'],
            ...['unauthenticated', 'forbidden', 'not-understood', 'nothing'],
          ] as const,
          {
            error:
              'must be nothing, unavailable, rate-limited, key-unavailable, key-rate-limited, unauthenticated, forbidden or not-understood',
          },
        ),
        { error: 'must be a map from words of faults to their meaning, such as { NO_SUCH_NUMBER: nothing }' },
      )
      .exactOptional(),
    ping: members(
      { operation, parts: parts.exactOptional() },
      'must be a cheap operation: { operation: status }',
    ),
  },
  'must be such as { soap: "${WARRANTY_URL}", wsdl: warranty.wsdl, ping: { operation: status } }',
);
export type SoapConnect = z.infer<typeof soapConnect>;

export const soapCall = members(
  {
    operation,
    parts,
    rows: path.exactOptional(),
    notFound: members(
      { at: path, is: z.union([scalar, z.array(scalar)], { error: 'must be a value, or a list of values' }) },
      'must be a value in the answer, such as { at: status, is: UNKNOWN }',
    ).exactOptional(),
    ...callMembers,
  },
  'must be a call such as { operation: registration, parts: { number: "{key}" } }',
);
export type SoapCall = z.infer<typeof soapCall>;
