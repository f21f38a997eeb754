import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readXml, type Element } from '../../sources/vies/stand-in/xml.js';
import { setting, urlSetting } from '../../src/settings.js';
import { bearer } from '../../src/connectors/auth.js';
import type { CallScope } from '../../src/connectors/connector.js';
import { soap, type SoapClient, type SoapOptions } from '../../src/connectors/soap/client.js';
import { usernameToken } from '../../src/connectors/soap/security.js';
import { failure, open, type Opened } from './contract.js';
import { sendWithoutEnd, startServer, type SmallServer } from './server.js';
import { envelope, fault, parcelsXsd, sendXml, service, SOAP_11, tracked, wsdl } from './soap-service.js';

const parcel = z.object({
  code: z.string(),
  weight: z.string(),
  number: z.string(),
  pieces: z.number(),
  isInsured: z.boolean(),
  sentOn: z.string(),
  stop: z.array(z.string()).default([]),
});
const answer = z.object({ parcel: z.array(parcel).default([]), note: z.string().nullish() });

const parcelXml = (more = '', isInsured = '1'): string =>
  `<q:parcel xmlns:q="urn:example:parcels"><q:code>A &amp; B</q:code><q:weight>1.10</q:weight>
    <q:number>9007199254740993</q:number><q:pieces>2</q:pieces><q:isInsured>${isInsured}</q:isInsured>
    <q:sentOn>2026-11-24+01:00</q:sentOn>${more}</q:parcel>`;
const theParcel = {
  code: 'A & B',
  weight: '1.10',
  number: '9007199254740993',
  pieces: 2,
  isInsured: true,
  sentOn: '2026-11-24+01:00',
  stop: [],
};

/** An element as `{ fullName: text or children }`. */
function flat({ namespace, name, children, text }: Element): unknown {
  return [`${namespace} ${name}`, children.length === 0 ? text : children.map(flat)];
}

function bodyOf(message: string | undefined): unknown {
  return readXml(message ?? '')
    .children.find(({ name }) => name === 'Body')
    ?.children.map(flat);
}

describe('a connection to a SOAP service', () => {
  let server: SmallServer;
  let client: Opened<SoapClient>;

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  interface ConnectOptions {
    settings?: Record<string, string>;
    scope?: Partial<CallScope>;
    describes?: Parameters<typeof service>[1];
  }
  const connect = async (
    answerTo: Parameters<typeof service>[0],
    options: Partial<SoapOptions> = {},
    { settings = {}, scope = {}, describes }: ConnectOptions = {},
  ): Promise<void> => {
    server = await startServer(service(answerTo, describes));
    const connector = soap({
      baseUrl: urlSetting('URL', 'https://example.nl'),
      path: '/parcels',
      wsdl: '/parcels?wsdl',
      ping: { operation: 'track', input: { customer: '' } },
      ...options,
    });
    client = open(connector, { URL: `${server.url}/api`, ...settings }, { scope });
  };
  const answering = (
    body: string | Buffer,
    how: Parameters<typeof sendXml>[2] = {},
    options: Partial<SoapOptions> = {},
    more: ConnectOptions = {},
  ) =>
    connect(
      (_, response) => {
        sendXml(response, body, how);
      },
      options,
      more,
    );
  const track = (schema: z.ZodType = answer): Promise<unknown> =>
    client.call(schema, 'track', { customer: 'K1' });
  const posted = () => server.seen.filter(({ method }) => method === 'POST');

  it('reads its WSDL from the system once, and posts to the configured address', async () => {
    await answering(tracked(''));
    await Promise.all([track(), track(), track()]);
    await track();
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /api/parcels?wsdl',
      'GET /api/parcels.xsd',
      ...Array.from({ length: 4 }, () => 'POST /api/parcels'),
    ]);
  });

  it('writes messages as the WSDL describes: namespaces, lists, and escaped text', async () => {
    await answering(
      tracked(''),
      {},
      { auth: bearer(setting('TOKEN')) },
      { settings: { TOKEN: 'secret' }, scope: { headers: { traceparent: '00-1-2-01' } } },
    );
    await client.call(answer, 'track', {
      customer: `K"'&1\r\n`,
      filter: { since: '2026-01-01', status: ['<new/>', ']]>'] },
    });
    expect(posted()[0]?.headers).toMatchObject({
      'content-type': 'text/xml; charset=utf-8',
      soapaction: '"urn:example:track"',
      authorization: 'Bearer secret',
      traceparent: '00-1-2-01',
    });
    expect(bodyOf(posted()[0]?.body)).toEqual([
      [
        'urn:example:messages track',
        [
          ['urn:example:messages customer', `K"'&1\r\n`],
          [
            'urn:example:messages filter',
            [
              ['urn:example:parcels status', '<new/>'],
              ['urn:example:parcels status', ']]>'],
              ['urn:example:parcels since', '2026-01-01'],
            ],
          ],
        ],
      ],
    ]);
  });

  it('uses SOAP 1.2 if that is configured', async () => {
    await answering(
      envelope('<trackResponse/>', 'http://www.w3.org/2003/05/soap-envelope'),
      {},
      { version: '1.2' },
    );
    await track(z.unknown());
    expect(posted()[0]?.headers['content-type']).toBe(
      'application/soap+xml; charset=utf-8; action="urn:example:track"',
    );
    expect(readXml(posted()[0]?.body ?? '').namespace).toBe('http://www.w3.org/2003/05/soap-envelope');
  });

  it.each([
    ['none', '', []],
    ['one', parcelXml(), [theParcel]],
    ['one item', parcelXml('<q:stop>Breda</q:stop>'), [{ ...theParcel, stop: ['Breda'] }]],
    [
      'two',
      parcelXml() + parcelXml('<q:stop>A</q:stop><q:stop/>'),
      [theParcel, { ...theParcel, stop: ['A', ''] }],
    ],
  ])('returns a list of %s as a list, with every value exact', async (_, xml, expected) => {
    await answering(tracked(xml));
    expect(await track()).toEqual({ parcel: expected });
  });

  it.each([
    ['nothing', '<note xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>', null],
    ['an empty text', '<note></note>', ''],
    [
      'a text with its type',
      '<note xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="s">x</note>',
      'x',
    ],
    ['lines', '<note>\n a\nb &#233;\n</note>', 'a\nb é'],
    ['a section of characters', '<note><![CDATA[<b> & ]]></note>', '<b> &'],
  ])('reads %s', async (_, xml, expected) => {
    await answering(tracked(xml));
    expect(await track()).toEqual({ parcel: [], note: expected });
  });

  it.each([
    ['its headers name', 'latin1', 'text/xml; charset="ISO-8859-1"', ''],
    ['its declaration names', 'latin1', 'text/xml', '<?xml version="1.0" encoding="ISO-8859-1"?>'],
    ['its byte order mark states', 'utf16le', 'text/xml', '\uFEFF'],
  ] as const)('reads the encoding that %s', async (_, encoding, type, before) => {
    const text = before + tracked('<note>Müller</note>').replace(/^<\?xml.*?\?>/, '');
    await answering(Buffer.from(text, encoding), { type });
    expect(await track()).toMatchObject({ note: 'Müller' });
  });

  it('refuses a value of the wrong type', async () => {
    await answering(tracked(parcelXml('', 'perhaps')));
    const { code, message } = await failure(track());
    expect(code).toBe('SOURCE_CONTRACT');
    expect(message).toContain('parcel.0.isInsured');
    expect(message).not.toContain('perhaps');
  });

  it.each([
    ['an HTML page', '<html><body>Sorry</body></html>'],
    ['JSON', '{"parcel":[]}'],
    ['nothing', ''],
    ['half a message', tracked(parcelXml()).slice(0, -40)],
    ['another message', envelope('<shutDown/>')],
    ['an element with the name of an object property', envelope('<__proto__><x>1</x></__proto__>')],
    ['bytes that are not text', Buffer.from([0x3c, 0xff, 0xfe, 0xfd])],
    ['very deep elements', tracked(`${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}`)],
  ])('reports that the system breaks its contract if it answers with %s', async (_, body) => {
    await answering(body);
    expect((await failure(track())).code).toBe('SOURCE_CONTRACT');
  });

  it.each([
    ['an entity of a file', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'],
    ['an entity of a server', '<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:1/x.dtd"> %e;]>'],
    ['entities of entities', '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY e "&a;&a;&a;">]>'],
    ['a document type behind a comment', '<!-- > --><?x <!?> <!DOCTYPE x SYSTEM "x.dtd">'],
    ['a document type behind a comment with an element', '<!-- > <x> --><!DOCTYPE x SYSTEM "x.dtd">'],
  ])('refuses %s', async (_, prolog) => {
    await answering(prolog + tracked('<note>&e;</note>').replace(/^<\?xml.*?\?>/, ''));
    expect(await failure(track())).toMatchObject({
      code: 'SOURCE_CONTRACT',
      message: expect.stringContaining('document type') as string,
    });
  });

  it.each([
    ['of an id', '<note id="__proto__">x</note>'],
    ['by an escaped id', '<note id="&#95;_proto__">x</note>'],
    ['of an element', '<__proto__><polluted>x</polluted></__proto__>'],
    ['by a document inside of CDATA', '<note><![CDATA[<?xml version="1.0"?><a id="__proto__"/>]]></note>'],
  ])('never changes a prototype %s', async (_, xml) => {
    await answering(tracked(xml));
    await track().catch(() => undefined);
    expect([Object.keys(Object.prototype), ({} as Record<string, unknown>)['polluted']]).toEqual([
      [],
      undefined,
    ]);
  });

  it.each([
    ['the system’s', fault('X'), 500, 'SOURCE_UNAVAILABLE'],
    ['a fault of the system with status 200', fault('X'), 200, 'SOURCE_UNAVAILABLE'],
    ['a fault with status 400', fault('TOO_MANY'), 400, 'SOURCE_RATE_LIMITED'],
    [
      'a second element',
      envelope(`<trackResponse xmlns="urn:example:messages"/><other/>`),
      200,
      'SOURCE_CONTRACT',
    ],
    ['ours', fault('X', 'e:Client'), 500, 'SOURCE_CONTRACT'],
    ['a fault of the gateway with a subcode', fault('X', 'Client.Authentication'), 500, 'SOURCE_CONTRACT'],
    ['the credentials’', fault('X', 'w:FailedAuthentication'), 500, 'SOURCE_UNAUTHENTICATED'],
    ['a fault with the vendor’s code as text', fault('TOO_MANY'), 500, 'SOURCE_RATE_LIMITED'],
    [
      'a fault with the vendor’s code in a sentence',
      fault("{ 'TOO_MANY' }: wait."),
      200,
      'SOURCE_RATE_LIMITED',
    ],
    ['a fault with the vendor’s code as fault code', fault('X', 'TOO_MANY'), 500, 'SOURCE_RATE_LIMITED'],
    [
      'a fault of the gateway in SOAP 1.2',
      envelope(
        '<e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text xml:lang="en">X</e:Text></e:Reason></e:Fault>',
      ),
      400,
      'SOURCE_CONTRACT',
    ],
    [
      'a fault with the vendor’s code in SOAP 1.2',
      envelope(
        '<e:Fault><e:Code><e:Value>e:Receiver</e:Value><e:Subcode><e:Value>v:TOO_MANY</e:Value></e:Subcode></e:Code><e:Reason><e:Text xml:lang="en">X</e:Text></e:Reason></e:Fault>',
      ),
      500,
      'SOURCE_RATE_LIMITED',
    ],
    ['no fault, with status 500', '<html>Oops</html>', 500, 'SOURCE_UNAVAILABLE'],
    ['no fault, with status 400', '', 400, 'SOURCE_CONTRACT'],
    ['no fault, with status 403', '', 403, 'SOURCE_FORBIDDEN'],
    ['no fault, with status 503', '', 503, 'SOURCE_UNAVAILABLE'],
    ['no fault, with a redirect', '', 307, 'SOURCE_CONTRACT'],
  ])('reports the cause of a failure: %s', async (_, body, status, code) => {
    await answering(body, { status }, { faults: { TOO_MANY: 'rate-limited' } });
    const error = await failure(track());
    expect(error.code).toBe(code);
    expect(error.message).not.toMatch(/4711|wait\.|Oops/);
  });

  it('treats the fault for "not found" as no record', async () => {
    await answering(fault('NO_SUCH_CUSTOMER'), {}, { faults: { NO_SUCH_CUSTOMER: 'nothing' } });
    expect(await track()).toBeNull();
  });

  it.each(['text', 'digest'] as const)('sends new credentials in each message, as %s', async (password) => {
    const again: CallScope['run'] = async (call) => {
      const { signal } = new AbortController();
      await call(signal).catch(() => undefined);
      return call(signal);
    };
    await answering(
      tracked(''),
      {},
      { security: usernameToken(setting('USER'), setting('PASSWORD'), { password }) },
      { settings: { USER: 'a<b', PASSWORD: 'p&w' }, scope: { run: again } },
    );
    await track();
    const tokens = posted().map(({ body }) => {
      const [header] = readXml(body).children;
      expect(header?.namespace).toBe(SOAP_11);
      const parts =
        header?.children[0]?.children.find(({ name }) => name === 'UsernameToken')?.children ?? [];
      return Object.fromEntries(parts.map(({ name, text }) => [name, text]));
    });
    expect(tokens).toHaveLength(2);
    for (const { Username, Password, Nonce = '', Created = '' } of tokens) {
      const digest = createHash('sha1')
        .update(Buffer.from(Nonce, 'base64'))
        .update(`${Created}p&w`)
        .digest('base64');
      expect({ Username, Password }).toEqual({
        Username: 'a<b',
        Password: password === 'text' ? 'p&w' : digest,
      });
    }
    if (password === 'digest') expect(tokens[0]?.['Nonce']).not.toBe(tokens[1]?.['Nonce']);
  });

  it('escapes markup in texts', async () => {
    await answering(tracked(''));
    const evil = '<![CDATA[K1]]></m:customer><m:admin/><m:customer><![CDATA[]]>';
    for (const customer of [evil, 'a\u0000', 'a\uFFFF', 'a\ud83d'])
      expect((await failure(client.call(answer, 'track', { customer }))).code).toBe('BAD_USER_INPUT');
    expect(posted()).toEqual([]);
  });

  it('calls no operation that the WSDL lacks', async () => {
    await answering(tracked(''));
    for (const operation of ['remove', 'constructor', 'setSecurity', 'wsdl'])
      expect((await failure(client.call(answer, operation, {}))).code).toBe('SOURCE_CONTRACT');
    expect(posted()).toEqual([]);
  });

  it('refuses an endless answer while it is received', async () => {
    let sent: Promise<number> | undefined;
    await connect((_, response) => {
      sent = sendWithoutEnd(response);
    });
    expect((await failure(track())).code).toBe('SOURCE_CONTRACT');
    expect(await sent).toBeLessThan(64 * 1024 * 1024);
  });

  it.each([
    ['on another server', 'http://127.0.0.1:9/parcels.xsd'],
    ['in a file', 'file:///etc/passwd'],
    ['above its own address', '/parcels.xsd'],
  ])('reads no schema %s', async (_, schemaLocation) => {
    await answering(tracked(''), {}, {}, { describes: () => wsdl('', { schemaLocation }) });
    expect(await failure(track())).toMatchObject({
      code: 'SOURCE_CONTRACT',
      message: expect.stringContaining('outside') as string,
    });
    expect(server.seen.map(({ url }) => url)).toEqual(['/api/parcels?wsdl']);
  });

  it.each([
    ['is none', () => '<html/>'],
    ['has a document type', () => `<!DOCTYPE x>${wsdl('').replace(/^<\?xml.*?\?>/, '')}`],
    ['is not there', () => undefined],
  ])('reports that the WSDL %s', async (_, describes) => {
    await answering(tracked(''), {}, {}, { describes });
    expect((await failure(track())).code).toBe('SOURCE_CONTRACT');
  });

  it('requests the WSDL again after a failure', async () => {
    let isUp = false;
    const describes = (url: string) => (url.endsWith('xsd') ? parcelsXsd : isUp ? wsdl('') : undefined);
    await answering(tracked(''), {}, {}, { describes });
    await failure(track());
    isUp = true;
    expect(await track()).toEqual({ parcel: [] });
  });

  it('still loads a WSDL for other calls if the first call is cancelled', async () => {
    await answering(tracked(''));
    let calls = 0;
    const run: CallScope['run'] = (call) => {
      calls += 1;
      if (calls === 1) return Promise.reject(new Error('The caller has disconnected.'));
      return call(new AbortController().signal);
    };
    await client.close();
    await server.close();
    await answering(tracked(''), {}, {}, { scope: { run } });
    const [first, second] = await Promise.allSettled([track(), track()]);
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
  });
});
