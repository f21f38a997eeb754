const EVENT_STREAM = 'text/event-stream';
const PARTS = new Set(['multipart/mixed', EVENT_STREAM]);

export type MediaType = 'application/json' | 'application/graphql-response+json';

const ANSWERED_WITH: ReadonlyMap<string, MediaType> = new Map([
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
]);

/** The first of the types that a client accepts, as Yoga has it; undefined when it accepts other types than JSON. */
export function mediaTypeFor(accept = '*/*'): MediaType | undefined {
  let first: MediaType | undefined;
  for (const one of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = one.split(';');
    const mediaType = ANSWERED_WITH.get(type.trim());
    const isKnown = parameters.every((parameter) => /^ *(q=[\d.]+|charset=utf-8) *$/.test(parameter));
    if (mediaType === undefined || !isKnown) return undefined;
    first ??= mediaType;
  }
  return first;
}

/**
 * Whether the client says by name that it accepts an answer in parts. A client that accepts anything has not thought of
 * that, though Yoga would send it parts.
 */
export function acceptsIncremental(headers: Pick<Headers, 'get'>): boolean {
  return acceptedTypes(headers).some((type) => PARTS.has(type));
}

export function acceptsEvents(headers: Pick<Headers, 'get'>): boolean {
  return acceptedTypes(headers).some((type) => [EVENT_STREAM, 'text/*', '*/*'].includes(type));
}

/** What is no UTF-8 is passed over, as Yoga does. */
function acceptedTypes(headers: Pick<Headers, 'get'>): string[] {
  const accept = headers.get('accept') ?? '*/*';
  return accept
    .replace(/\s/g, '')
    .toLowerCase()
    .split(',')
    .flatMap((one) => {
      const [type = '', ...parameters] = one.split(';');
      const charset = parameters.find((parameter) => parameter.includes('charset=')) ?? 'charset=utf-8';
      return charset === 'charset=utf-8' ? [type] : [];
    });
}
