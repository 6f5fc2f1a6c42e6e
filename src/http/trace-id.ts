/** W3C Trace Context, level 1: version, trace, parent, flags; a later version may have more after a dash. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/;

/** @returns the trace that a request says it belongs to, as 32 hexadecimal digits; whatever else stands in its `traceparent` is no trace */
export function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  const [, version, traceId, more] = (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)) || [];
  return version === '00' && more !== undefined ? undefined : traceId;
}
