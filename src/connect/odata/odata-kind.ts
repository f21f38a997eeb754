import type { ReaderKind } from '../reader.js';

/** The reader of an OData service, by its address or its `$metadata`. */
export const odataReaderKind: ReaderKind = {
  kind: 'odata',
  label: 'the address of an OData service, or its $metadata',
  recognises: ({ url, text = '' }) =>
    (url !== undefined &&
      /^https?:$/.test(url.protocol) &&
      /\bodata\b|\.svc\b|\/\$metadata$/i.test(url.pathname)) ||
    /<(?:\w+:)?Edmx\b/.test(text.slice(0, 2_000)) ||
    /"@odata\.context"\s*:\s*"[^"]*\$metadata"/.test(text.slice(0, 2_000)),
  open: async (options) => {
    const { OdataReader } = await import('./odata-reader.js');
    return new OdataReader(options);
  },
};
