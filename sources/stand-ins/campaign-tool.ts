import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { CAMPAIGN_TOOL_PAGE } from './campaign-tool-page.js';
import { headerValue, serveHttp, type HttpAnswer, type HttpCall } from './http.js';

/** What came, by its `webhook-id`. */
export interface Delivery {
  id: string;
  /** When it came; of one that was refused at first, when it came last. */
  receivedAt: string;
  /** Signed by who knows the secret, within five minutes. Of what is not, nothing is believed, and nothing shown. */
  verified: boolean;
  /** Why it is not verified. */
  problem?: string;
  type?: string;
  /** When it happened, as the message has it. */
  happenedAt?: string;
  /** From then until it was received. */
  delayMs?: number;
  data?: unknown;
  /** How often it came. */
  attempts: number;
  /** What was answered to the attempt that is shown. */
  status: number;
}

export interface CampaignTool {
  /** Of the page. */
  url: string;
  /** What a gateway must be told (environment variables) to deliver here. */
  settings: Record<string, string>;
  close(): Promise<void>;
}

/** Shared with the gateway that delivers here. */
const SECRET = 'whsec_dGhlIGRlbW8gc2lnbnMgaXRzIGRlbGl2ZXJpZXM=';
const KEPT = 100;
const TAKEN = 204;

const message = z.object({ type: z.string(), timestamp: z.iso.datetime(), data: z.unknown() });

const condition = z.strictObject({
  /** What is answered to deliveries; null as is right. */
  status: z.int().min(300).max(599).nullable(),
});

/**
 * A tool that sends campaigns, as far as a gateway sees it: it takes deliveries signed after Standard Webhooks, and shows
 * them on a page. `PUT /` with `{"status": 503}` lets it refuse them, until `{"status": null}`.
 */
export async function startCampaignTool({
  port = 0,
  now = Date.now,
}: { port?: number; now?: () => number } = {}): Promise<CampaignTool> {
  /** The oldest first. */
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
      if (deliveries.size <= KEPT) return;
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
