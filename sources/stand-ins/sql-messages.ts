import { randomBytes } from 'node:crypto';

/**
 * The framing of PostgreSQL's protocol, version 3: after an opening packet every message is one letter, a length and
 * the contents. See "Message Formats" in the PostgreSQL manual.
 */

/** A group of messages from a client: an opening packet, or messages up to one that requires an answer. */
export type MessageGroup =
  | { kind: 'encryption-request' | 'cancel-request' | 'startup'; bytes: Buffer }
  | {
      kind: 'messages';
      bytes: Buffer;
      /** The number of queries that it runs: simple ones, or executions of prepared ones. */
      queries: number;
      /** The letter of its last message. */
      last: string;
    };

const cancelRequest = 80877102;
const encryptionRequests = [80877103, 80877104];

/** Parse, Bind, Describe, Execute and Close are only answered after a Sync or a Flush. */
const unfinished = new Set(['P', 'B', 'D', 'E', 'C']);
/** Query, Execute and FunctionCall. */
const executing = new Set(['Q', 'E', 'F']);
const maxOpeningLength = 10_000;

export function createMessageGroupReader(): { read(chunk: Buffer): MessageGroup[] } {
  let unread: Buffer = Buffer.alloc(0);
  let opened = false;

  const readOpening = (start: number): MessageGroup | undefined => {
    if (unread.length - start < 8) return undefined;
    const length = unread.readInt32BE(start);
    if (length < 8 || length > maxOpeningLength) throw new Error('not an opening packet of PostgreSQL');
    if (unread.length - start < length) return undefined;
    const code = unread.readInt32BE(start + 4);
    const bytes = unread.subarray(start, start + length);
    if (encryptionRequests.includes(code)) return { kind: 'encryption-request', bytes };
    opened = true;
    return { kind: code === cancelRequest ? 'cancel-request' : 'startup', bytes };
  };

  const readMessages = (start: number): MessageGroup | undefined => {
    let queries = 0;
    for (let end = start; unread.length - end >= 5;) {
      const letter = String.fromCharCode(unread.readUInt8(end));
      const length = unread.readInt32BE(end + 1);
      if (length < 4) throw new Error('not a message of PostgreSQL');
      end += 1 + length;
      if (end > unread.length) return undefined;
      if (executing.has(letter)) queries += 1;
      if (!unfinished.has(letter)) {
        return { kind: 'messages', bytes: unread.subarray(start, end), queries, last: letter };
      }
    }
    return undefined;
  };

  return {
    read(chunk) {
      unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
      const groups: MessageGroup[] = [];
      let start = 0;
      for (;;) {
        const group = opened ? readMessages(start) : readOpening(start);
        if (group === undefined) break;
        groups.push(group);
        start += group.bytes.length;
      }
      unread = unread.subarray(start);
      return groups;
    },
  };
}

/** Finds the ends of a server's messages, which arrive in pieces of any size. */
export interface AnswerScanner {
  /** Whether the last byte read was the last of its message. */
  readonly betweenMessages: boolean;
  /** Calls `onEnd` for each message that ends in this piece, with the offset after its last byte. */
  read(chunk: Buffer, onEnd: (letter: number, offset: number) => void): void;
}

export function createAnswerScanner(): AnswerScanner {
  /** The header of the current message. A header of letter and length may itself arrive in pieces. */
  const header = Buffer.alloc(5);
  let headerBytes = 0;
  let missing = 0;

  return {
    get betweenMessages() {
      return headerBytes === 0;
    },
    read(chunk, onEnd) {
      let offset = 0;
      while (offset < chunk.length) {
        if (headerBytes < 5) {
          const copied = chunk.copy(header, headerBytes, offset, offset + 5 - headerBytes);
          headerBytes += copied;
          offset += copied;
          if (headerBytes < 5) return;
          missing = Math.max(0, header.readInt32BE(1) - 4);
        }
        const taken = Math.min(missing, chunk.length - offset);
        missing -= taken;
        offset += taken;
        if (missing > 0) return;
        headerBytes = 0;
        onEnd(header.readUInt8(0), offset);
      }
    },
  };
}

export const readyForQuery = 'Z'.charCodeAt(0);

/** Ends a group; the server answers that it is ready, and in which state. */
export const sync = message('S', Buffer.alloc(0));

export function errorResponse(severity: 'ERROR' | 'FATAL', sqlState: string, text: string): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${sqlState}`, `M${text}`, ''];
  return message('E', Buffer.from(fields.join('\0') + '\0', 'utf8'));
}

/**
 * Random bytes in the frame of a message, with a letter of no message. Without the frame, a client would wait for the end of a
 * message of a random length, as with the fault `hang`.
 */
export function garbage(): Buffer {
  return message(String.fromCharCode(0xff), randomBytes(251));
}

function message(letter: string, contents: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(letter, 'latin1');
  header.writeInt32BE(4 + contents.length, 1);
  return Buffer.concat([header, contents]);
}
