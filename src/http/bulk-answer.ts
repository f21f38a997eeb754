/** An answer of the endpoints under `/bulk/`. */
export interface BulkAnswer {
  status: number;
  headers: Record<string, string>;
  body: AsyncIterable<string> | readonly string[];
}

export function jsonAnswer(status: number, value: unknown, headers: Record<string, string> = {}): BulkAnswer {
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    },
    body: [JSON.stringify(value)],
  };
}
