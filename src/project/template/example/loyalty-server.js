// A made-up loyalty club on port 4010: GET /members?email=<addresses> or ?id=<ids>, with commas between.
import { createServer } from 'node:http';
import process from 'node:process';
import { URL } from 'node:url';

const members = [
  { id: 'L1001', email: 'eva@example.nl', name: 'Eva de Wit', tier: 'GOLD', points: 1200 },
  { id: 'L1002', email: 'bram@example.nl', name: 'Bram Smit', tier: 'SILVER', points: 80 },
];

createServer((request, response) => {
  const { searchParams } = new URL(request.url, 'http://localhost');
  const found = members.filter((member) =>
    ['id', 'email'].some((field) => searchParams.get(field)?.split(',').includes(member[field])),
  );
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ members: found }));
}).listen(Number(process.env.LOYALTY_PORT ?? 4010), '127.0.0.1');
