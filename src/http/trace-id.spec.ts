import { traceIdOf } from './trace-id.js';

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
  ])('takes %j for no trace', (traceparent) => {
    expect(traceIdOf(traceparent)).toBeUndefined();
  });
});
