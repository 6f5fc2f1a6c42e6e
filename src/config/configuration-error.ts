/** The process can't start as it is configured. Each problem names its variable and what to do, and never repeats a value that was given. */
export class ConfigurationError extends Error {
  constructor(readonly problems: string[]) {
    super(['The configuration is not valid:', ...problems.map((problem) => `- ${problem}`)].join('\n'));
  }
}
