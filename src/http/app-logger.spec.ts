import { DomainError } from '../common/errors.js';
import { AppLogger, traceIdOf } from './app-logger.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

describe('traceIdOf', () => {
  it.each([
    `00-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-00`,
    `01-${TRACE}-${PARENT}-01`,
    `cc-${TRACE}-${PARENT}-01-what-comes-later`,
  ])('reads %s', (traceparent) => {
    expect(traceIdOf(traceparent)).toBe(TRACE);
  });

  it.each([
    undefined,
    '',
    TRACE,
    [`00-${TRACE}-${PARENT}-01`],
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE}-${PARENT}-01-more`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    ` 00-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01\n`,
    `cc-${TRACE}-${PARENT}-01.later`,
  ])('ignores %j', (traceparent) => {
    expect(traceIdOf(traceparent)).toBeUndefined();
  });
});

const SENT = 'whsec_sentBySomebody';

type Line = Record<string, unknown>;

/** Returns the lines that `act` logs. */
function written(act: (logger: AppLogger) => void): Line[] {
  const lines: Line[] = [];
  act(new AppLogger('trace', { write: (line) => void lines.push(JSON.parse(line) as Line) }));
  return lines;
}

const LEVELS = ['log', 'warn', 'error', 'debug', 'verbose'] as const;

describe('AppLogger logs', () => {
  it.each(LEVELS)('our own message with its context: %s', (level) => {
    const [line] = written((logger) =>
      logger[level]('All is well.', ...(level === 'error' ? ['a stack', 'Vault'] : ['Vault'])),
    );
    expect(line).toEqual({
      level: expect.any(Number),
      time: expect.any(String),
      context: 'Vault',
      msg: 'All is well.',
    });
  });

  it('the request id of a warning, and nothing else of the request', () => {
    const [line] = written((logger) =>
      logger.warn('All is well.', { requestId: 'r', ...{ url: SENT } }, 'Vault'),
    );
    expect(line).toEqual({
      level: 40,
      time: expect.any(String),
      context: 'Vault',
      requestId: 'r',
      msg: 'All is well.',
    });
  });

  it('only the named fields of an answered request', () => {
    const request = {
      requestId: 'r',
      traceId: 't',
      method: 'PUT',
      route: '/x/:id',
      status: 200,
      milliseconds: 3,
    };
    const [line] = written((logger) =>
      logger.answered({ ...request, ...{ url: SENT, headers: { authorization: SENT }, body: SENT } }),
    );
    expect(line).toEqual({ level: 30, time: expect.any(String), ...request, msg: 'request' });
  });

  it.each(LEVELS)('type, code and place of an error, and those of its cause: %s', (level) => {
    const cause = Object.assign(new TypeError(SENT), { code: '23505', detail: SENT });
    const error = Object.assign(new Error(`${SENT}\n    at ${SENT} (${SENT}.js:1:1)`, { cause }), {
      code: SENT,
      payload: SENT,
    });
    const [line] = written((logger) => logger[level](error));
    const at = expect.arrayContaining([expect.stringMatching(/app-logger\.spec/)]) as unknown;
    expect(line).toMatchObject({
      msg: 'unexpected error',
      error: { type: 'Error', at, cause: { type: 'TypeError', code: '23505', at } },
    });
    expect(Object.keys(line?.['error'] as object).sort()).toEqual(['at', 'cause', 'type']);
    expect(JSON.stringify(line)).not.toContain(SENT);
  });

  it('no malformed name of an error', () => {
    const [line] = written((logger) =>
      logger.error(Object.assign(new Error('x'), { name: `Error ${SENT}` })),
    );
    expect(line).toMatchObject({ error: { type: 'Error' } });
    expect(JSON.stringify(line)).not.toContain(SENT);
  });

  it('our own message and code of a failure, and no message of its cause', () => {
    const error = new DomainError('internal_error', 'Something went wrong on our side.', {
      cause: new Error(SENT),
    });
    const [line] = written((logger) => logger.failure({ requestId: 'r', traceId: 't' }, error));
    expect(line).toMatchObject({
      level: 50,
      requestId: 'r',
      traceId: 't',
      msg: error.message,
      error: { code: 'internal_error', cause: { type: 'Error' } },
    });
    expect(JSON.stringify(line)).not.toContain(SENT);
  });

  it.each([[{ secret: SENT }], [[SENT]], [Symbol(SENT)], [Buffer.from(SENT)], [undefined]])(
    'nothing of other values: %p',
    (thing) => {
      for (const level of LEVELS) {
        const [line] = written((logger) => logger[level](thing));
        expect(Object.keys(line ?? {}).sort()).toEqual(['level', 'msg', 'time']);
        expect(JSON.stringify(line)).not.toContain(SENT);
      }
    },
  );
});

it('logs messages of the framework at debug', () => {
  const [chatter, ours] = written((logger) => {
    logger.log('Mapped {/x, GET} route', 'RouterExplorer');
    logger.log('Listening', 'Vault');
  });
  expect([chatter?.['level'], ours?.['level']]).toEqual([20, 30]);
});
