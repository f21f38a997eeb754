import { httpError } from '../operation/request-error.js';
import { readCsvLines, readJsonLines, type InputLine } from './read-lines.js';

/** The most characters after the last line end. They are held in memory. */
const MAX_OPEN_CHARACTERS = 1024 * 1024;

/**
 * Reads the lines of a body while it arrives, without holding all of it. Throws a GraphQLError if the body has more than
 * `maxBytes`, is not text in UTF-8, or has no valid header.
 */
export async function* streamLines(
  chunks: AsyncIterable<Uint8Array>,
  format: 'json' | 'csv',
  { kinds, maxBytes }: { kinds: ReadonlySet<string>; maxBytes: number },
): AsyncGenerator<InputLine> {
  const texts = completeLines(chunks, format, maxBytes);
  if (format === 'json') {
    let line = 0;
    for await (const text of texts) line = yield* readJsonLines(text, kinds, line);
    return;
  }
  let position: Parameters<typeof readCsvLines>[2];
  for await (const text of texts) {
    position = yield* readCsvLines(text, kinds, position);
    if (position === undefined) return;
  }
}

/** Joins chunks to texts that end at the end of a line. A line end in the quotes of a CSV ends no line. */
async function* completeLines(
  chunks: AsyncIterable<Uint8Array>,
  format: 'json' | 'csv',
  maxBytes: number,
): AsyncGenerator<string> {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let bytes = 0;
  let open = '';
  let isQuoted = false;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw httpError('LIMIT_EXCEEDED', `A job may have at most ${maxBytes} bytes.`, 413);
    const text = decode(utf8, chunk);
    let end = format === 'json' ? text.lastIndexOf('\n') : -1;
    if (format === 'csv')
      for (let at = 0; at < text.length; at += 1) {
        if (text[at] === '"') isQuoted = !isQuoted;
        else if (text[at] === '\n' && !isQuoted) end = at;
      }
    if (end === -1) open += text;
    else {
      yield open + text.slice(0, end + 1);
      open = text.slice(end + 1);
    }
    if (open.length > MAX_OPEN_CHARACTERS)
      throw httpError(
        'LIMIT_EXCEEDED',
        `A line of the body has more than ${MAX_OPEN_CHARACTERS} characters.`,
        413,
      );
  }
  open += decode(utf8);
  if (open !== '') yield open;
}

function decode(utf8: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? utf8.decode() : utf8.decode(chunk, { stream: true });
  } catch {
    throw httpError('BAD_REQUEST', 'The body is not text in UTF-8.');
  }
}
