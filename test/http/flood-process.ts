import { connect } from 'node:net';

/**
 * Opens idle connections to a port: `flood-process.ts <port> <amount> <addresses>`. It is a separate process, so that the
 * client sockets do not count as open files of the test. At the end, it sends the number of opened connections.
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
