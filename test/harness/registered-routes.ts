import { RouteTable } from '../../src/http/route-table.js';
import { startTestApp } from './test-app.js';

/** All routes that are registered with Fastify, such as `GET /health/live`. */
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
