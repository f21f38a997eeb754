/** The example of a declared source that speaks OData: a system for invoices. */
export const INVOICING_YAML = `source: invoicing
connect:
  odata: "\${INVOICING_URL}"
  auth: [{ bearer: "\${INVOICING_TOKEN}" }, { basic: { user: "\${INVOICING_USER}", password: "\${INVOICING_PASSWORD}" } }]
  ping: "/Accounts?$top=1"
  lists: in
limits: { timeout: 1 s, concurrency: 5 }
namespaces:
  accountId: { pattern: '^[A-Z]\\d{1,8}$', description: "The number of an account, such as A17." }
identity:
  recordKey: accountId
  id: No
  foundBy:
    accountId: { call: accountsById, uniqueness: enforced }
    email: { call: accountsByEmail, uniqueness: usual }
  yields: { email: { one: Email } }
calls:
  accountsById: { set: Accounts, by: "No", maxBatch: 50 }
  accountsByEmail: { set: Accounts, by: Email, maxKeyLength: 80, maxBatch: 50, matching: collation }
  bills:
    set: Bills
    by: AccountNo
    where: { Status: [Open, Paid], Draft: false }
    expand: [Lines]
    order: [-Date, "No"]
    page: { size: 100, maxPages: 3 }
fields:
  Customer.bills: { call: bills, order: [-date, number] }
  Bill.number: "No"
  Bill.date: Date
  Bill.total: { from: Total, money: { currency: EUR } }
  Bill.lines: Lines
  BillLine.text: Text
`;

export const INVOICING_SDL = `type Customer {
  "Bills, the newest first. Source: the invoicing system, queried live."
  bills("How many, 1 to 100." first: Int! = 10 "The endCursor of the page before." after: String): BillConnection
    @personalData(category: FINANCIAL)
    @requiresScopes(scopes: [["invoices:read"]])
}

"A bill."
type Bill @personalData(category: FINANCIAL) {
  "The number on it."
  number: ID!
  "The date on it."
  date: Date!
  "The total with taxes."
  total: Money
  "Its lines."
  lines: [BillLine!]
}

"A line of a bill."
type BillLine @personalData(category: FINANCIAL) {
  "What it is for."
  text: String
}
`;
