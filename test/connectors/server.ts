export {
  sendJson,
  sendWithoutEnd,
  startServer,
  type SeenRequest,
  type SmallServer,
} from '../../src/testing/small-server.js';
