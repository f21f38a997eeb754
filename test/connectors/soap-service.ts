import type { ServerResponse } from 'node:http';
import type { SeenRequest } from './server.js';

/** The WSDL of a parcel service. It has two schemas in two namespaces, one of them in a separate file. */
export function wsdl(address: string, { schemaLocation = 'parcels.xsd', operation = 'track' } = {}): string {
  return `<?xml version="1.0"?>
<w:definitions name="parcels" targetNamespace="urn:example:service" xmlns:w="http://schemas.xmlsoap.org/wsdl/"
  xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:x="http://www.w3.org/2001/XMLSchema"
  xmlns:v="urn:example:service" xmlns:m="urn:example:messages" xmlns:p="urn:example:parcels">
  <w:types>
    <x:schema targetNamespace="urn:example:messages" elementFormDefault="qualified">
      <x:import namespace="urn:example:parcels" schemaLocation="${schemaLocation}"/>
      <x:element name="track"><x:complexType><x:sequence>
        <x:element name="customer" type="x:string"/>
        <x:element name="filter" type="p:Filter" minOccurs="0"/>
      </x:sequence></x:complexType></x:element>
      <x:element name="trackResponse"><x:complexType><x:sequence>
        <x:element name="parcel" type="p:Parcel" minOccurs="0" maxOccurs="unbounded"/>
        <x:element name="note" type="x:string" minOccurs="0" nillable="true"/>
      </x:sequence></x:complexType></x:element>
    </x:schema>
  </w:types>
  <w:message name="in"><w:part name="body" element="m:track"/></w:message>
  <w:message name="out"><w:part name="body" element="m:trackResponse"/></w:message>
  <w:portType name="port"><w:operation name="${operation}"><w:input message="v:in"/><w:output message="v:out"/></w:operation></w:portType>
  <w:binding name="binding" type="v:port">
    <s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <w:operation name="${operation}"><s:operation soapAction="urn:example:track"/>
      <w:input><s:body use="literal"/></w:input><w:output><s:body use="literal"/></w:output></w:operation>
  </w:binding>
  <w:service name="service"><w:port name="port" binding="v:binding"><s:address location="${address}"/></w:port></w:service>
</w:definitions>`;
}

export const parcelsXsd = `<?xml version="1.0"?>
<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:example:parcels" elementFormDefault="qualified">
  <x:complexType name="Filter"><x:sequence>
    <x:element name="status" type="x:string" maxOccurs="unbounded"/><x:element name="since" type="x:date" minOccurs="0"/>
  </x:sequence></x:complexType>
  <x:complexType name="Parcel"><x:sequence>
    <x:element name="code" type="x:string"/><x:element name="weight" type="x:decimal"/>
    <x:element name="number" type="x:long"/><x:element name="pieces" type="x:int"/>
    <x:element name="isInsured" type="x:boolean"/><x:element name="sentOn" type="x:date"/>
    <x:element name="stop" type="x:string" minOccurs="0" maxOccurs="unbounded"/>
  </x:sequence></x:complexType>
</x:schema>`;

export const SOAP_11 = 'http://schemas.xmlsoap.org/soap/envelope/';

export function envelope(body: string, namespace = SOAP_11): string {
  return `<?xml version="1.0"?><e:Envelope xmlns:e="${namespace}"><e:Body>${body}</e:Body></e:Envelope>`;
}

export function tracked(inner: string): string {
  return envelope(`<trackResponse xmlns="urn:example:messages">${inner}</trackResponse>`);
}

export function fault(text: string, code = 'e:Server'): string {
  return envelope(
    `<e:Fault><faultcode>${code}</faultcode><faultstring>${text}</faultstring><detail><secret>4711</secret></detail></e:Fault>`,
  );
}

export function sendXml(
  response: ServerResponse,
  body: string | Buffer,
  { status = 200, type = 'text/xml; charset=utf-8' }: { status?: number; type?: string } = {},
): void {
  response.writeHead(status, { 'content-type': type });
  response.end(body);
}

/** Serves the WSDL and its schema, and passes posted messages to the handler. */
export function service(
  answer: (request: SeenRequest, response: ServerResponse) => void,
  describe: (url: string) => string | undefined = (url) =>
    url === '/api/parcels?wsdl'
      ? wsdl('http://elsewhere.example.nl/')
      : url === '/api/parcels.xsd'
        ? parcelsXsd
        : undefined,
) {
  return (request: SeenRequest, response: ServerResponse): void => {
    if (request.method === 'POST') {
      answer(request, response);
      return;
    }
    const description = describe(request.url);
    sendXml(response, description ?? '', { status: description === undefined ? 404 : 200 });
  };
}
