import Fastify from 'fastify';
import { answersOnly, RouteTable } from './route-table.js';

describe('RouteTable', () => {
  const routes = new RouteTable(['/hidden/']);

  beforeAll(() => {
    const fastify = Fastify();
    routes.watch(fastify);
    const nothing = () => null;
    fastify.get('/projects', nothing);
    fastify.post('/projects/', nothing);
    fastify.route({ method: ['PUT', 'DELETE'], url: '/projects/:project_id', handler: nothing });
    fastify.get('/projects/:project_id/status', nothing);
    fastify.options('*', nothing);
    fastify.get('/', nothing);
    fastify.get('/hidden/door', nothing);
  });

  it('knows the methods of a path, with and without the trailing slash', () => {
    for (const url of ['/projects', '/projects/', '/projects?page=1', '/projects/?page=1']) {
      expect(routes.allowedMethods(url)).toEqual(['GET', 'HEAD', 'POST']);
    }
    expect(routes.allowedMethods('/projects/1')).toEqual(['DELETE', 'PUT']);
    expect(routes.allowedMethods('/projects/1/status/')).toEqual(['GET', 'HEAD']);
    expect(routes.allowedMethods('/')).toEqual(['GET', 'HEAD']);
  });

  it.each([
    '/nothing',
    '/hidden/door',
    '/projects//',
    '/projects//status',
    '/Projects',
    '/projects/1/status/2',
    '//projects',
    '',
    '/%zz',
    '/projects/%',
  ])('finds no route at %j', (url) => {
    expect(routes.allowedMethods(url)).toBeUndefined();
  });

  it('lists the allowed methods', () => {
    expect(answersOnly(['GET', 'HEAD'])).toBe('This URL answers GET, HEAD.');
    expect(answersOnly([])).toBe('This URL answers no method.');
  });
});
