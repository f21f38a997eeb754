import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { CAMPAIGN_TOOL_PAGE } from './campaign-tool-page.js';
import { headerValue, serveHttp, type HttpAnswer, type HttpCall } from './http.js';

/** A delivery, by its `webhook-id`. */
export interface Delivery {
  id: string;
  /** When it was received. After a rejection, the time of the last attempt. */
  receivedAt: string;
  /** Whether the signature is valid and at most five minutes old. If not, the contents are not shown. */
  verified: boolean;
  /** The reason why it is not verified. */
  problem?: string;
  type?: string;
  /** When the event happened, according to the message. */
  happenedAt?: string;
  /** The time between the event and the delivery. */
  delayMs?: number;
  data?: unknown;
  /** The number of attempts. */
  attempts: number;
  /** The status of the answer to the shown attempt. */
  status: number;
}

export interface CampaignTool {
  /** The address of the page. */
  url: string;
  /** The environment variables of a gateway that delivers here. */
  settings: Record<string, string>;
  close(): Promise<void>;
}

/** The secret, which the gateway shares. */
const SECRET = 'whsec_dGhlIGRlbW8gc2lnbnMgaXRzIGRlbGl2ZXJpZXM=';
const MAX_DELIVERIES = 100;
const TAKEN = 204;

const message = z.object({ type: z.string(), timestamp: z.iso.datetime(), data: z.unknown() });

const condition = z.strictObject({
  /** The status of every answer. Null for the right status. */
  status: z.int().min(300).max(599).nullable(),
});

/**
 * Imitates a campaign tool. It accepts deliveries that are signed after Standard Webhooks, and shows them on a page. After `PUT /`
 * with `{"status": 503}` it rejects them, until `{"status": null}`.
 */
export async function startCampaignTool({
  port = 0,
  now = Date.now,
}: { port?: number; now?: () => number } = {}): Promise<CampaignTool> {
  /** Oldest first. */
  const deliveries = new Map<string, Delivery>();
  const webhook = new Webhook(SECRET);
  let wrongStatus: number | null = null;
  let unverified = 0;

  const receive = ({ headers, body }: HttpCall): HttpAnswer => {
    const id = headerValue(headers, 'webhook-id') ?? '';
    const receivedAt = new Date(now()).toISOString();
    const read = verified(webhook, { headers, body });
    if ('problem' in read) {
      unverified += 1;
      note(`unverified ${unverified}`, {
        id,
        receivedAt,
        verified: false,
        ...read,
        attempts: 1,
        status: 401,
      });
      return { status: 401 };
    }
    const status = wrongStatus ?? TAKEN;
    const known = deliveries.get(id);
    const attempts = (known?.attempts ?? 0) + 1;
    if (known?.status === TAKEN) known.attempts = attempts;
    else {
      const { type, timestamp: happenedAt, data } = read;
      const delayMs = now() - Date.parse(happenedAt);
      note(id, { id, receivedAt, verified: true, type, happenedAt, delayMs, data, attempts, status });
    }
    return { status };
  };

  function note(key: string, delivery: Delivery): void {
    deliveries.delete(key);
    deliveries.set(key, delivery);
    for (const oldest of deliveries.keys()) {
      if (deliveries.size <= MAX_DELIVERIES) return;
      deliveries.delete(oldest);
    }
  }

  const { url, close } = await serveHttp(
    () => (call) => {
      const { method, path, body } = call;
      const page = path === '/';
      if (page && method === 'POST') return receive(call);
      if (page && method === 'PUT') {
        const change = condition.safeParse(jsonOf(body));
        if (!change.success) return json(400, { error: z.prettifyError(change.error) });
        wrongStatus = change.data.status;
        return json(200, { status: wrongStatus });
      }
      if (!page && path !== '/deliveries') return json(404, { error: 'only / and /deliveries here' });
      if (method !== 'GET') return { ...json(405, { error: 'not here' }), headers: { allow: 'GET' } };
      if (page) return CAMPAIGN_TOOL_PAGE;
      return json(200, { status: wrongStatus, deliveries: [...deliveries.values()].reverse() });
    },
    { port },
  );
  return {
    url,
    settings: {
      WEBHOOK_ENDPOINTS: JSON.stringify([
        { name: 'campaign-tool', url: `${url}/`, secrets: [SECRET], allowPrivate: true },
      ]),
    },
    close,
  };
}

function verified(
  webhook: Webhook,
  { headers, body }: Pick<HttpCall, 'headers' | 'body'>,
): z.infer<typeof message> | { problem: string } {
  const signed = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => [name, headerValue(headers, name) ?? ''] as const,
  );
  try {
    return message.parse(webhook.verify(body, Object.fromEntries(signed)));
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function json(status: number, body: unknown): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: `${JSON.stringify(body, null, 2)}\n`,
  };
}
