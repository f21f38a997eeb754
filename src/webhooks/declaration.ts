import type { Subject } from '../cache/invalidation.js';
import type { Setting } from '../settings.js';
import type { EventType, SourceEvent } from './event.js';

/** A request as received, before it is verified and parsed. */
export interface WebhookRequest {
  method: string;
  /** The address that the system uses, including the query: some systems sign it. */
  url: string;
  headers: Pick<Headers, 'get'>;
  /** The signed bytes. */
  body: Uint8Array;
}

/** A response to a system. */
export interface WebhookAnswer {
  status: number;
  contentType: string;
  body: string;
  headers?: Readonly<Record<string, string>>;
}

/** The result of verifying a signature. `stale`: the signature is valid, but its time is not within the tolerance. */
export type SignatureCheck = 'valid' | 'stale' | 'invalid';

/** An event as a system reports it. The receiver adds the source. */
export type ReportedEvent = Omit<SourceEvent, 'source'>;

/** A message with the signature of the system and without events. */
export interface TestMessage {
  /** The query of the address, with `?`. Default: none. */
  search?: string;
  headers?: Readonly<Record<string, string>>;
  body: string;
}

/** How a system reports changes by webhook. */
export interface WebhookDeclaration {
  /** The valid secrets: several during rotation. Without this setting the source has no webhook. */
  secrets: Setting<readonly string[]>;
  /** A token that the operator chooses. The system sends it in its handshake to verify the address. */
  handshakeToken?: Setting<string>;
  /**
   * Responds to a request that is not an event: a verification GET, a challenge, a handshake. If omitted, or if it returns undefined,
   * the request is an event. The request is not authenticated, so the response must not help to sign a message.
   */
  handshake?(
    request: Omit<WebhookRequest, 'body'>,
    secrets: readonly string[],
    handshakeToken: string | undefined,
  ): WebhookAnswer | undefined;
  /** Verifies the signature of the request and its time. */
  verify(request: WebhookRequest, secrets: readonly string[], nowMs: number): SignatureCheck;
  /**
   * Parses the events of a request. Kinds that the gateway does not use are dropped. Throws an InvalidInputError for a body that
   * the system cannot have sent.
   */
  events(request: WebhookRequest, nowMs: number): readonly ReportedEvent[];
  /**
   * For an event that names no customer, the loaders whose cached records it may change, by event type. Their records are
   * dropped. Default: all loaders of the source.
   */
  changes?: Partial<Record<EventType, readonly { readonly name: string }[]>>;
  /**
   * Objects of the schema, beside the customer, whose cached records the event may change. Default: none.
   */
  objects?(event: Pick<SourceEvent, 'type' | 'data'>): readonly Subject[];
  /**
   * Makes a message without events, with which `stekkerdoos doctor` checks a secret. `url` is the address
   * that systems use. Returns undefined for a public key, which cannot sign. Default: the secrets are not
   * checked.
   */
  testMessage?(url: string, secret: string, nowMs: number): TestMessage | undefined;
  /** The response after its events were stored. Default: status 204 without a body. */
  acknowledgement?: WebhookAnswer;
}
