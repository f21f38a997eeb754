import type { Subject } from '../cache/invalidation.js';
import type { Setting } from '../settings.js';
import type { EventType, SourceEvent } from './event.js';

/** One request as it came, before anything was made of it. */
export interface WebhookRequest {
  method: string;
  /** The address that the system was told, with what stands behind `?`: some sign it. */
  url: string;
  headers: Pick<Headers, 'get'>;
  /** The bytes that are signed. */
  body: Uint8Array;
}

/** What the engine answers a system: status, type and text. */
export interface WebhookAnswer {
  status: number;
  contentType: string;
  body: string;
  headers?: Readonly<Record<string, string>>;
}

/** What the check of a signature found. `stale`: the signature is right, but its time is too far from now. */
export type SignatureCheck = 'valid' | 'stale' | 'invalid';

/** What a system tells of; the receiver adds whose it is. */
export type ReportedEvent = Omit<SourceEvent, 'source'>;

/** How a system tells of changes. */
export interface WebhookDeclaration {
  /** The secrets that are valid now: several while they are rotated. Without the setting the source has no webhook. */
  secrets: Setting<readonly string[]>;
  /** A text of our own choice by which the system asks whether the address is ours, where it sends one. */
  handshakeToken?: Setting<string>;
  /**
   * Answers what is no event: a verification GET, a challenge, a handshake. Left out or undefined: it is an event. Anybody
   * can ask: what is answered must not help to sign a message.
   */
  handshake?(
    request: Omit<WebhookRequest, 'body'>,
    secrets: readonly string[],
    handshakeToken: string | undefined,
  ): WebhookAnswer | undefined;
  /** Whether the request is from the system and of now. */
  verify(request: WebhookRequest, secrets: readonly string[], nowMs: number): SignatureCheck;
  /**
   * What happened. Kinds that we make nothing of are left out. Throws an InvalidInputError for what the system cannot have
   * sent.
   */
  events(request: WebhookRequest, nowMs: number): readonly ReportedEvent[];
  /**
   * The loaders whose answers an event may change that names nobody, by its type: these are dropped. Default: all of the
   * source's are.
   */
  changes?: Partial<Record<EventType, readonly { readonly name: string }[]>>;
  /**
   * Objects of the schema that the event is about, beside its customer: answers about them are dropped too. Default: none.
   */
  objects?(event: Pick<SourceEvent, 'type' | 'data'>): readonly Subject[];
  /** What the system wants to read when its events are kept. Default: status 204 and nothing. */
  acknowledgement?: WebhookAnswer;
}
