const EVENT_STREAM = 'text/event-stream';
const INCREMENTAL_TYPES = new Set(['multipart/mixed', EVENT_STREAM]);

export type MediaType = 'application/json' | 'application/graphql-response+json';

/** The media type of the answer, by the type that a client accepts. */
const ANSWER_TYPES: ReadonlyMap<string, MediaType> = new Map([
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
]);

/**
 * The media type for the first type that a client accepts, as Yoga chooses it. Undefined if it also accepts a type
 * other than JSON.
 */
export function mediaTypeFor(accept = '*/*'): MediaType | undefined {
  let first: MediaType | undefined;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';');
    const mediaType = ANSWER_TYPES.get(type.trim());
    const isKnown = parameters.every((parameter) => /^ *(q=[\d.]+|charset=utf-8) *$/.test(parameter));
    if (mediaType === undefined || !isKnown) return undefined;
    first ??= mediaType;
  }
  return first;
}

/**
 * Whether the client names a media type for incremental delivery. A client that accepts any type does not expect
 * several results, although Yoga would send them.
 */
export function acceptsIncremental(headers: Pick<Headers, 'get'>): boolean {
  return acceptedTypes(headers).some((type) => INCREMENTAL_TYPES.has(type));
}

/** Whether the client accepts server-sent events. */
export function acceptsEvents(headers: Pick<Headers, 'get'>): boolean {
  return acceptedTypes(headers).some((type) => [EVENT_STREAM, 'text/*', '*/*'].includes(type));
}

/** The accepted media types. Types with a charset other than UTF-8 are ignored, as Yoga does. */
function acceptedTypes(headers: Pick<Headers, 'get'>): string[] {
  const accept = headers.get('accept') ?? '*/*';
  return accept
    .replace(/\s/g, '')
    .toLowerCase()
    .split(',')
    .flatMap((range) => {
      const [type = '', ...parameters] = range.split(';');
      const charset = parameters.find((parameter) => parameter.includes('charset=')) ?? 'charset=utf-8';
      return charset === 'charset=utf-8' ? [type] : [];
    });
}
