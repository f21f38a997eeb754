import { closeSync, openSync, readSync } from 'node:fs';

/** Whoever names a larger file means another one. */
const MAX_BYTES = 64 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What the file of a setting holds, without the newline at its end; or what is wrong with it, without a word of it. */
export function readSettingFile(path: string): { value: string } | { problem: string } {
  let content: Buffer;
  try {
    content = readStart(path);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'for an unknown reason';
    return { problem: `names a file that cannot be read (${reason})` };
  }
  if (content.length > MAX_BYTES) return { problem: `names a file of more than ${MAX_BYTES} bytes` };
  let value: string;
  try {
    value = utf8.decode(content).replace(/\r?\n$/, '');
  } catch {
    return { problem: 'names a file that is not text in UTF-8' };
  }
  return value === '' ? { problem: 'names a file that is empty' } : { value };
}

/** No more than shows that it is too much: the file may be endless, as devices and pipes are. */
function readStart(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = readSync(file, buffer, length, buffer.length - length, null);
    return buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
