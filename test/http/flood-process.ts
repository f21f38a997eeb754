import { connect } from 'node:net';

/**
 * Opens connections to a port and asks nothing on them, in a process of its own, so that their other ends are files of
 * another process than ours: `flood-process.ts <port> <amount> <addresses>`. It says how many were opened once all were.
 */
const [port, amount, addresses] = process.argv.slice(2).map(Number) as [number, number, number];
let [started, settled, opened] = [0, 0, 0];

function open(): void {
  if (started >= amount) return;
  const localAddress = `127.0.1.${1 + (started++ % addresses)}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  const settle = (): void => {
    settled++;
    if (settled === amount) process.send?.(opened);
    else open();
  };
  socket.once('connect', () => {
    opened++;
    socket.off('error', settle).on('error', () => undefined);
    settle();
  });
  socket.once('error', settle);
}

for (let i = 0; i < 100; i++) open();
process.once('disconnect', () => process.exit());
