// Peers of the gateway in its benchmark, each a process of its own: a Stripe that only answers, and a bare proxy
// that swaps one header. `ROLE` says which.
import { createServer } from 'node:http';
import { Pool } from 'undici';

const { ROLE, PORT, UPSTREAM, SECRET_KEY } = process.env;

/** About the size of a real customer. */
const CUSTOMER = JSON.stringify({
  id: 'cus_1',
  object: 'customer',
  metadata: Object.fromEntries(Array.from({ length: 40 }, (_, nth) => [`key_${nth}`, 'value'.repeat(4)])),
});
const PIECE = Buffer.alloc(1024 * 1024);

function answerAsStripe(request, response) {
  const { url } = request;
  const send = () => response.writeHead(200, { 'content-type': 'application/json' }).end(CUSTOMER);
  request.resume().on('end', () => {
    if (url.endsWith('/slow')) return void setTimeout(send, 5_000);
    if (!url.endsWith('/contents')) return send();
    let sent = 0;
    const more = () => {
      while (sent < 100) {
        sent += 1;
        if (!response.write(PIECE)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
}

function bareProxy() {
  const upstream = new Pool(UPSTREAM);
  return async (request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${SECRET_KEY}` };
    delete headers.host;
    delete headers.connection;
    const hasBody = headers['content-length'] !== undefined;
    try {
      const answer = await upstream.request({
        method: request.method,
        path: request.url,
        headers,
        body: hasBody ? request : null,
      });
      response.writeHead(answer.statusCode, answer.headers);
      answer.body.pipe(response);
    } catch {
      response.writeHead(502).end();
    }
  };
}

createServer(ROLE === 'stripe' ? answerAsStripe : bareProxy()).listen(Number(PORT), '127.0.0.1');
