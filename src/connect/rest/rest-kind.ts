import type { ReaderKind } from '../reader.js';
import { isCurl } from './curl.js';
import { isOpenapi } from './description.js';

/** The reader of an OpenAPI document, or of a curl command. */
export const restReaderKind: ReaderKind = {
  kind: 'rest',
  label: 'an OpenAPI 2 or 3 file or address, or a curl command on standard input',
  recognises: ({ url, text = '' }) => {
    if (isCurl(text) || isOpenapi(text)) return true;
    return (
      url !== undefined &&
      /^https?:$/.test(url.protocol) &&
      /(openapi|swagger|api-docs)[^/]*$/i.test(url.pathname)
    );
  },
  open: async (options) => {
    const { RestReader } = await import('./rest-reader.js');
    return new RestReader(options);
  },
};
