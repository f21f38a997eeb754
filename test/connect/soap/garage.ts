import { startServer, type SmallServer } from '../../../src/testing/small-server.js';

/**
 * The SOAP service of a garage: lookups of clients by number and e-mail address, and an operation that
 * changes data.
 */

export interface GarageRules {
  /** How an unknown key is answered. */
  unknownKey?: 'fault' | 'general fault' | 'nothing' | 'status' | 'other record' | 'empty';
  ignoresCase?: boolean;
  findsSimilar?: boolean;
  password?: string;
  /** Default: CLIENTS. */
  clients?: typeof CLIENTS;
  /** More elements of a record, which the WSDL does not have. */
  moreElements?: string;
  /** The text of the fault about an unknown key. */
  fault?: string;
}

export const CLIENTS = Array.from({ length: 6 }, (_, i) => ({
  number: `G${500 + i}`,
  email: `Driver${i}@garage.example`,
  givenName: `Given${i}`,
  familyName: `Family${i}`,
  born: `19${70 + i}-05-06`,
  since: `2020-01-0${1 + i}T08:00:00Z`,
  balance: `${i}.50`,
  city: `City ${i}`,
}));

const field = (name: string, type: string, options = '') =>
  `<x:element name="${name}" type="${type}" ${options}/>`;

function wsdl(address: string): string {
  const request = (name: string, key: string) =>
    `<x:element name="${name}"><x:complexType><x:sequence>${field(key, 'x:string')}</x:sequence></x:complexType></x:element>
     <x:element name="${name}Response"><x:complexType><x:sequence>${field('client', 't:Client', 'minOccurs="0"')}</x:sequence></x:complexType></x:element>`;
  const operations = ['getClientByNumber', 'getClientByEmail', 'saveClient', 'getPrice'];
  return `<?xml version="1.0"?>
<w:definitions name="garage" targetNamespace="urn:example:garage" xmlns:w="http://schemas.xmlsoap.org/wsdl/"
  xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:x="http://www.w3.org/2001/XMLSchema"
  xmlns:g="urn:example:garage" xmlns:t="urn:example:types">
  <w:types><x:schema targetNamespace="urn:example:garage" elementFormDefault="qualified">
    <x:import namespace="urn:example:types" schemaLocation="garage.xsd"/>
    ${request('getClientByNumber', 'clientNumber')}${request('getClientByEmail', 'email')}${request('saveClient', 'email')}
    <x:element name="getPrice"><x:complexType><x:sequence>${field('part', 'x:string')}</x:sequence></x:complexType></x:element>
    <x:element name="getPriceResponse"><x:complexType><x:sequence>${field('price', 'x:decimal')}</x:sequence></x:complexType></x:element>
  </x:schema></w:types>
  ${operations
    .map(
      (name) =>
        `<w:message name="${name}In"><w:part name="body" element="g:${name}"/></w:message><w:message name="${name}Out"><w:part name="body" element="g:${name}Response"/></w:message>`,
    )
    .join('')}
  <w:portType name="port">${operations
    .map(
      (name) =>
        `<w:operation name="${name}"><w:input message="g:${name}In"/><w:output message="g:${name}Out"/></w:operation>`,
    )
    .join('')}</w:portType>
  <w:binding name="binding" type="g:port"><s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>${operations
    .map(
      (name) =>
        `<w:operation name="${name}"><s:operation soapAction="urn:${name}"/><w:input><s:body use="literal"/></w:input><w:output><s:body use="literal"/></w:output></w:operation>`,
    )
    .join('')}</w:binding>
  <w:service name="service"><w:port name="port" binding="g:binding"><s:address location="${address}"/></w:port></w:service>
</w:definitions>`;
}

const XSD = `<?xml version="1.0"?>
<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:example:types" targetNamespace="urn:example:types" elementFormDefault="qualified">
  <x:complexType name="Client"><x:sequence>
    <x:element name="number" type="x:string"><x:annotation><x:documentation>The number of the client.</x:documentation></x:annotation></x:element>
    ${field('email', 'x:string', 'minOccurs="0"')}${field('givenName', 'x:string', 'minOccurs="0"')}${field('familyName', 'x:string', 'minOccurs="0"')}
    ${field('born', 'x:date', 'minOccurs="0"')}${field('since', 'x:dateTime', 'minOccurs="0"')}${field('balance', 'x:decimal', 'minOccurs="0"')}
    ${field('status', 't:Status')}${field('password', 'x:string', 'minOccurs="0"')}${field('photo', 'x:base64Binary', 'minOccurs="0"')}
    ${field('address', 't:Address', 'minOccurs="0"')}${field('car', 't:Car', 'minOccurs="0" maxOccurs="unbounded"')}
  </x:sequence></x:complexType>
  <x:complexType name="Address"><x:sequence>${field('city', 'x:string')}</x:sequence></x:complexType>
  <x:complexType name="Car"><x:sequence>${field('plate', 'x:string')}${field('doors', 'x:int')}</x:sequence></x:complexType>
  <x:simpleType name="Status"><x:restriction base="x:string"><x:enumeration value="KNOWN"/><x:enumeration value="UNKNOWN"/></x:restriction></x:simpleType>
</x:schema>`;

export function startGarage(rules: GarageRules = {}): Promise<SmallServer> {
  return startServer(({ method, url, body, headers }, response) => {
    const send = (text: string, status = 200) => {
      response.writeHead(status, { 'content-type': 'text/xml; charset=utf-8' });
      response.end(text);
    };
    if (method === 'GET') {
      if (url === '/api/garage?wsdl') send(wsdl('http://inside.example/api/garage'));
      else if (url === '/api/garage.xsd') send(XSD);
      else send('', 404);
    } else if (rules.password !== undefined && headers.authorization === undefined) send('', 401);
    else {
      const { text, status } = answer(body, rules);
      send(text, status);
    }
  });
}

function envelope(body: string): string {
  return `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>${body}</e:Body></e:Envelope>`;
}

function answer(
  body: string,
  {
    unknownKey = 'nothing',
    ignoresCase = false,
    findsSimilar = false,
    clients = CLIENTS,
    fault: faultText = 'NO_SUCH_CLIENT',
    moreElements = '',
  }: GarageRules,
) {
  const [, operation = ''] = /<(?:\w+:)?((?:get|save)\w+)/.exec(body) ?? [];
  const [, key = ''] = /<(?:\w+:)?(?:clientNumber|email|part)[^>]*>([^<]*)</.exec(body) ?? [];
  const isSame = (value: string) =>
    value === key ||
    (ignoresCase && value.toLowerCase() === key.toLowerCase()) ||
    (findsSimilar && key.length > 3 && value.replace(/.(?=@|$)/, '') === key);
  const found = clients.find((client) => isSame(operation.endsWith('Email') ? client.email : client.number));
  const wrapped = (inner: string) =>
    envelope(
      `<r:${operation}Response xmlns:r="urn:example:garage" xmlns="urn:example:types">${inner}</r:${operation}Response>`,
    );
  if (found !== undefined) return { text: wrapped(recordOf(found, moreElements)), status: 200 };
  const fault = (text: string) =>
    envelope(`<e:Fault><faultcode>e:Server</faultcode><faultstring>${text}</faultstring></e:Fault>`);
  switch (unknownKey) {
    case 'fault':
      return { text: fault(faultText), status: 500 };
    case 'general fault':
      return { text: fault('Something went wrong.'), status: 500 };
    case 'nothing':
      return { text: wrapped(''), status: 200 };
    case 'empty':
      return { text: wrapped('<r:client><number>0</number></r:client>'), status: 200 };
    case 'status':
      return {
        text: wrapped('<r:client><number></number><status>UNKNOWN</status></r:client>'),
        status: 200,
      };
    case 'other record':
      return { text: wrapped(recordOf(CLIENTS[3] ?? CLIENTS[0])), status: 200 };
  }
}

function recordOf(client: (typeof CLIENTS)[number] | undefined, more = ''): string {
  if (client === undefined) return '';
  const { email, givenName, familyName, born, since, balance, city } = client;
  const cars = ['AB-1', 'CD-2'].map((plate) => `<car><plate>${plate}</plate><doors>4</doors></car>`).join('');
  return `<r:client><number>${client.number}</number><email>${email}</email><givenName>${givenName}</givenName><familyName>${familyName}</familyName><born>${born}</born><since>${since}</since><balance>${balance}</balance><status>KNOWN</status><password>secret-word</password><address><city>${city}</city></address>${cars}${more}</r:client>`;
}
