/**
 * Says in the last line of the run how many tests passed and failed. A file that could not even run counts as
 * one that failed.
 */
export default class SummaryReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
    // Jest's own summary, teardowns and complaints about open handles come after this hook.
    process.once('exit', () => console.log(line));
  }
}
