import { z } from 'zod';
import { members } from './grammar-problems.js';
import { text } from './grammar.js';
import { settingName } from './setting-name.js';

const HEADER = 'must be the name of a header';
export const header = z.string({ error: HEADER }).regex(/^[A-Za-z0-9-]{1,100}$/, { error: HEADER });
const PATH = 'must be a path of the system, such as /v1/status';
export const systemPath = z.string({ error: PATH }).regex(/^\/\S*$/, { error: PATH });

const authKind = z.union(
  [
    members({ bearer: settingName }),
    members({
      basic: members({
        user: settingName,
        password: settingName,
        userSuffix: text('must be the text after the user name').exactOptional(),
      }),
    }),
    members({
      apiKey: members({
        key: settingName,
        header,
        prefix: text('must be the text before the key').exactOptional(),
      }),
    }),
    members({
      oauth2: members({
        tokenUrl: settingName,
        tokenPath: systemPath.exactOptional(),
        clientId: settingName,
        clientSecret: settingName,
        refreshToken: settingName.exactOptional(),
        scope: text('must be the requested scope').exactOptional(),
      }),
    }),
  ],
  { error: 'must be bearer, basic, apiKey or oauth2, such as { bearer: "${WARRANTY_TOKEN}" }' },
);
export type HttpAuth = z.infer<typeof authKind>;

/** Headers that the gateway sends itself, or that are about the connection. */
const OWN_HEADER =
  /^(accept|accept-encoding|authorization|connection|content-.*|cookie|expect|host|idempotency-key|if-.*|keep-alive|proxy-.*|te|traceparent|tracestate|trailer|transfer-encoding|upgrade)$/i;
const OTHER_HEADER =
  'must be the name of a header that the gateway does not send itself, such as X-Tenant-Id. Write auth, or accept, for the others';
const HEADER_VALUE =
  'must be a text of ASCII characters, or the name of a variable such as "${WARRANTY_TENANT}"';
const constantHeaders = z.record(
  header.refine((name) => !OWN_HEADER.test(name), { error: OTHER_HEADER }),
  z.union([settingName, z.string().regex(/^(?!\$\{)[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?$/)], {
    error: HEADER_VALUE,
  }),
  { error: 'must be headers with their values, such as { X-Tenant-Id: "${WARRANTY_TENANT}" }' },
);

const AUTH =
  'must be bearer, basic, apiKey or oauth2, such as { bearer: "${WARRANTY_TOKEN}" }, or a list of alternatives';

/** Members of `connect` of every system that is called over HTTP. */
export const httpConnect = {
  auth: z.union([authKind, z.array(authKind, { error: AUTH }).min(1)], { error: AUTH }).exactOptional(),
  headers: constantHeaders.exactOptional(),
  ca: settingName.exactOptional(),
};
