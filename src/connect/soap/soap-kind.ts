import type { ReaderKind } from '../reader.js';

/** The reader of a SOAP service, by its WSDL. */
export const soapReaderKind: ReaderKind = {
  kind: 'soap',
  label: 'a WSDL file or address',
  recognises: ({ url, path, text = '' }) =>
    (url !== undefined && /^https?:$/.test(url.protocol) && isWsdlAddress(url)) ||
    (path !== undefined && /\.wsdl$/i.test(path)) ||
    /<(?:\w+:)?definitions\b[^>]*schemas\.xmlsoap\.org\/wsdl/.test(text.slice(0, 4_000)),
  open: async (options) => {
    const { SoapReader } = await import('./soap-reader.js');
    return new SoapReader(options);
  },
};

function isWsdlAddress({ pathname, search }: URL): boolean {
  return /\.wsdl$/i.test(pathname) || /^\?(singleWsdl|wsdl)\b/i.test(search);
}
