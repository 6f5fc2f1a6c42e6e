// Receives events: writes the id of each to a file before it answers. Arguments: port, file.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);
createServer((request, response) => {
  request.resume().once('end', () => {
    appendFileSync(file, `${request.headers['webhook-id']}\n`);
    response.writeHead(204).end();
  });
}).listen(Number(port), '127.0.0.1', () => {
  console.log(JSON.stringify({ msg: `Listening on http://127.0.0.1:${port}` }));
});
