import { closeSync, openSync, readSync } from 'node:fs';

/** A larger file is not the file of a setting. */
const MAX_BYTES = 64 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads the file of a setting, without the newline at its end. A problem never quotes the content. */
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

/** Reads one byte more than allowed at most: devices and pipes can be endless. */
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
