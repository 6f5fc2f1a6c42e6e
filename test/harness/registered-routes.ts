import { RouteTable } from '../../src/http/route-table.js';
import { startTestApp } from './test-app.js';

/** Every route that the server has, `GET /health/live`, as Fastify was told of it. */
export async function registeredRoutes(): Promise<string[]> {
  const routes = new Set<string>();
  const watch = RouteTable.prototype.watch;
  const spy = jest.spyOn(RouteTable.prototype, 'watch').mockImplementation(function (
    this: RouteTable,
    fastify,
  ) {
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) routes.add(`${each} ${url}`);
    });
    watch.call(this, fastify);
  });
  const app = await startTestApp();
  spy.mockRestore();
  await app.close();
  return [...routes].sort();
}
