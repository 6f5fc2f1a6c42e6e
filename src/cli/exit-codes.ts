/** What the command line ends with; docs/operating.md tells operators. */
export const EXIT_CODES = {
  done: 0,
  /** It could not be done, or what it looked for was found. */
  failed: 1,
  wrongUsage: 2,
  /** By a signal, as shells count it: 128 and the number of SIGINT. What was done so far stays done. */
  interrupted: 130,
} as const;
