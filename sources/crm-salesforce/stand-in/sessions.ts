import { createHash, randomBytes } from 'node:crypto';
import type { HttpAnswer, HttpCall } from '../../stand-ins/http.js';

export const app = {
  clientId: '3MVG9.stand-in.crm.salesforce',
  clientSecret: '5E07C1D2.stand-in',
  refreshToken: '5Aep861.stand-in.refresh',
};

export const organizationId = '00D5g000000StdIEAS';
const userId = '0055g00000IntgrAAA';

export interface Sessions {
  /** Answers the token endpoint. */
  open(call: HttpCall): HttpAnswer;
  isOpen(token: string | undefined): boolean;
  /** Revokes all tokens. */
  expireAll(): void;
}

/** OAuth 2 as in Salesforce, without `expires_in`, because a session lasts as long as it is used. */
export function createSessions({ sessionMs, now }: { sessionMs: number; now: () => number }): Sessions {
  const openUntil = new Map<string, number>();
  return {
    open: (call) => {
      const form = new URLSearchParams(call.body);
      const refused = refusal(call, form);
      if (refused !== undefined) return refused;
      const token = `00D5g000000StdI!${randomBytes(48).toString('base64url')}`;
      openUntil.set(token, now() + sessionMs);
      const issuedAt = String(now());
      const id = `${call.origin}/id/${organizationId}/${userId}`;
      return tokenAnswer(200, {
        access_token: token,
        signature: createHash('sha256').update(`${id}${issuedAt}`).digest('base64'),
        scope: 'api',
        instance_url: call.origin,
        id,
        token_type: 'Bearer',
        issued_at: issuedAt,
      });
    },
    isOpen: (token) => {
      if (token === undefined || (openUntil.get(token) ?? 0) <= now()) return false;
      openUntil.set(token, now() + sessionMs);
      return true;
    },
    expireAll: () => {
      openUntil.clear();
    },
  };
}

function refusal(call: HttpCall, form: URLSearchParams): HttpAnswer | undefined {
  const grant = form.get('grant_type');
  if (call.method !== 'POST') return tokenError('invalid_request', 'must use HTTP POST');
  if (grant !== 'client_credentials' && grant !== 'refresh_token')
    return tokenError('unsupported_grant_type', 'grant type not supported');
  if (form.get('client_id') !== app.clientId)
    return tokenError('invalid_client_id', 'client identifier invalid');
  if (form.get('client_secret') !== app.clientSecret)
    return tokenError('invalid_client', 'invalid client credentials');
  if (grant === 'refresh_token' && form.get('refresh_token') !== app.refreshToken)
    return tokenError('invalid_grant', 'expired access/refresh token');
  return undefined;
}

function tokenError(error: string, description: string): HttpAnswer {
  return tokenAnswer(400, { error, error_description: description });
}

function tokenAnswer(status: number, body: unknown): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json;charset=UTF-8', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}
