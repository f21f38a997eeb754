import type { ServiceData } from './odata-service.js';

/** The service of a bicycle workshop: clients, their repairs, the parts of each, and mechanics. */

const CITIES = ['Delft', 'Gouda', 'Leiden'];

export const CLIENTS = Array.from({ length: 24 }, (_, i) => ({
  Number: `W-${1001 + i}`,
  Email: i === 5 ? null : `Client${i}@workshop.example`,
  Phone: `+3161234${1000 + i}`,
  GivenName: `Given${i}`,
  FamilyName: `Family${i}`,
  Password: `$2b$10$abcdefghijklmnopqrstuv${i}`,
  BirthDate: `19${60 + i}-02-03`,
  Kind: i % 2 === 0 ? 'Private' : 'Company',
  Visits: i,
  Address: { Street: `Street ${i}`, City: CITIES[i % 3] },
  Tags: i % 4 === 0 ? ['bike', 'e-bike'] : [],
  Photo: 'AAAA',
}));

const REPAIRS = CLIENTS.flatMap((client, i) =>
  Array.from({ length: i % 7 === 3 ? 0 : 5 }, (_, n) => ({
    Id: 100 * i + n,
    ClientNumber: client.Number,
    StartedAt: `2026-0${1 + n}-0${1 + (i % 9)}T10:00:00Z`,
    Cost: `${10 + n}.50`,
    Currency: 'EUR',
    MechanicId: 1 + (n % 2),
  })),
);

const PARTS = REPAIRS.flatMap((repair) =>
  Array.from({ length: 2 }, (_, n) => ({ RepairId: repair.Id, Line: n + 1, Name: `Part ${n}` })),
);

const METADATA = `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="Workshop.Model" Alias="self" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EnumType Name="ClientKind"><Member Name="Private" Value="0"/><Member Name="Company" Value="1"/></EnumType>
  <ComplexType Name="Address">
    <Property Name="Street" Type="Edm.String"/><Property Name="City" Type="Edm.String"/>
  </ComplexType>
  <EntityType Name="Party" Abstract="true">
    <Key><PropertyRef Name="Number"/></Key>
    <Property Name="Number" Type="Edm.String" Nullable="false" MaxLength="20"/>
    <Property Name="Email" Type="Edm.String" MaxLength="80">
      <Annotation Term="Org.OData.Core.V1.Description" String="Where letters are sent."/>
    </Property>
    <Property Name="Phone" Type="Edm.String" MaxLength="20"/>
  </EntityType>
  <EntityType Name="Client" BaseType="self.Party">
    <Property Name="GivenName" Type="Edm.String"/><Property Name="FamilyName" Type="Edm.String"/>
    <Property Name="Password" Type="Edm.String"/>
    <Property Name="BirthDate" Type="Edm.Date"/>
    <Property Name="Kind" Type="self.ClientKind" Nullable="false"/>
    <Property Name="Visits" Type="Edm.Int32" Nullable="false"/>
    <Property Name="Address" Type="self.Address"/>
    <Property Name="Tags" Type="Collection(Edm.String)" Nullable="false"/>
    <Property Name="Photo" Type="Edm.Binary"/>
    <NavigationProperty Name="Repairs" Type="Collection(self.Repair)" Partner="Client"/>
  </EntityType>
  <EntityType Name="Repair">
    <Key><PropertyRef Name="Id"/></Key>
    <Property Name="Id" Type="Edm.Int32" Nullable="false"/>
    <Property Name="ClientNumber" Type="Edm.String"/>
    <Property Name="StartedAt" Type="Edm.DateTimeOffset" Nullable="false"/>
    <Property Name="Cost" Type="Edm.Decimal" Scale="2"/><Property Name="Currency" Type="Edm.String"/>
    <Property Name="MechanicId" Type="Edm.Int32"/>
    <NavigationProperty Name="Client" Type="self.Client" Partner="Repairs">
      <ReferentialConstraint Property="ClientNumber" ReferencedProperty="Number"/>
    </NavigationProperty>
    <NavigationProperty Name="Mechanic" Type="self.Employee">
      <ReferentialConstraint Property="MechanicId" ReferencedProperty="Id"/>
    </NavigationProperty>
    <NavigationProperty Name="Parts" Type="Collection(self.Part)" Partner="Repair"/>
  </EntityType>
  <EntityType Name="Part">
    <Key><PropertyRef Name="RepairId"/><PropertyRef Name="Line"/></Key>
    <Property Name="RepairId" Type="Edm.Int32" Nullable="false"/>
    <Property Name="Line" Type="Edm.Int32" Nullable="false"/>
    <Property Name="Name" Type="Edm.String"/>
    <NavigationProperty Name="Repair" Type="self.Repair" Partner="Parts">
      <ReferentialConstraint Property="RepairId" ReferencedProperty="Id"/>
    </NavigationProperty>
  </EntityType>
  <EntityType Name="Employee">
    <Key><PropertyRef Name="Id"/></Key>
    <Property Name="Id" Type="Edm.Int32" Nullable="false"/><Property Name="FullName" Type="Edm.String"/>
    <Property Name="Email" Type="Edm.String"/>
  </EntityType>
  <EntityContainer Name="Container">
    <EntitySet Name="Clients" EntityType="self.Client">
      <NavigationPropertyBinding Path="Repairs" Target="Repairs"/>
    </EntitySet>
    <EntitySet Name="Repairs" EntityType="self.Repair">
      <NavigationPropertyBinding Path="Client" Target="Clients"/>
    </EntitySet>
    <EntitySet Name="Parts" EntityType="self.Part"/>
    <EntitySet Name="Employees" EntityType="self.Employee"/>
  </EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>`;

export const WORKSHOP: ServiceData = {
  metadata: METADATA,
  sets: {
    Clients: CLIENTS,
    Repairs: REPAIRS,
    Parts: PARTS,
    Employees: [{ Id: 1, FullName: 'Mechanic One', Email: 'one@workshop.example' }],
  },
};

const METADATA_2 = `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">
<edmx:DataServices m:DataServiceVersion="2.0" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
<Schema Namespace="Old" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
  <EntityType Name="Customer">
    <Key><PropertyRef Name="ID"/></Key>
    <Property Name="ID" Type="Edm.Guid" Nullable="false"/>
    <Property Name="Name" Type="Edm.String"><Documentation><Summary>The whole name.</Summary></Documentation></Property>
    <Property Name="EMail" Type="Edm.String"/>
    <Property Name="Since" Type="Edm.DateTime"/>
    <NavigationProperty Name="Invoices" Relationship="Old.CustomerInvoices" FromRole="Customer" ToRole="Invoice"/>
  </EntityType>
  <EntityType Name="Invoice">
    <Key><PropertyRef Name="No"/></Key>
    <Property Name="No" Type="Edm.Int64" Nullable="false"/>
    <Property Name="InvoicedTo" Type="Edm.Guid"/>
    <Property Name="Total" Type="Edm.Decimal"/>
    <NavigationProperty Name="Customer" Relationship="Old.CustomerInvoices" FromRole="Invoice" ToRole="Customer"/>
  </EntityType>
  <Association Name="CustomerInvoices">
    <End Role="Customer" Type="Old.Customer" Multiplicity="0..1"/>
    <End Role="Invoice" Type="Old.Invoice" Multiplicity="*"/>
    <ReferentialConstraint>
      <Principal Role="Customer"><PropertyRef Name="ID"/></Principal>
      <Dependent Role="Invoice"><PropertyRef Name="InvoicedTo"/></Dependent>
    </ReferentialConstraint>
  </Association>
  <EntityContainer Name="Container">
    <EntitySet Name="Customers" EntityType="Old.Customer"/>
    <EntitySet Name="Invoices" EntityType="Old.Invoice"/>
    <AssociationSet Name="CustomerInvoices" Association="Old.CustomerInvoices">
      <End Role="Customer" EntitySet="Customers"/><End Role="Invoice" EntitySet="Invoices"/>
    </AssociationSet>
  </EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>`;

const guid = (n: number) => `6f9619ff-8b86-4d01-b42d-00cf4fc9${String(n).padStart(4, '0')}`;

/** A shop in OData 2: dates are milliseconds, and large numbers are texts. */
export const OLD_SHOP: ServiceData = {
  metadata: METADATA_2,
  sets: {
    Customers: Array.from({ length: 6 }, (_, i) => ({
      ID: guid(i),
      Name: `Old Name${i}`,
      EMail: `old${i}@shop.example`,
      Since: `/Date(${1_700_000_000_000 + i})/`,
    })),
    Invoices: Array.from({ length: 12 }, (_, n) => ({
      No: String(9_000 + n),
      InvoicedTo: guid(n % 6),
      Total: `${n}.25`,
    })),
  },
};
