import { InvalidArgumentError } from 'commander';
import { DomainError } from '../common/errors.js';
import { parseProjectId, parseUuid, type ProjectId } from '../common/ids.js';
import { readPastTime } from '../common/typed-text.js';
import type { Check } from '../http/validation/request.pipe.js';
import { CommandFailed } from './output.js';

/** Parses a time argument for commander. */
export function pastTime(text: string): Date {
  const time = readPastTime(text);
  if (!time) throw new InvalidArgumentError('It must be a time that has been, as 2026-11-01T00:00:00Z.');
  return time;
}

/** Parses an argument for commander. */
export function projectId(text: string): ProjectId {
  const id = parseProjectId(text);
  if (!id) throw new InvalidArgumentError('It must be a UUID.');
  return id;
}

/** Parses an argument for commander. */
export function accountId(text: string): string {
  const id = parseUuid(text);
  if (!id) throw new InvalidArgumentError('It must be a UUID.');
  return id;
}

/** Parses a number for commander. @param problem of the rule for the number */
export function wholeNumber(problem: (value: unknown) => ReturnType<Check>): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    check('It', problem, number);
    return number;
  };
}

/** @throws InvalidArgumentError */
export function check(what: string, rule: (value: unknown) => ReturnType<Check>, value: unknown): void {
  const problem = rule(value);
  if (problem) throw new InvalidArgumentError(`${what} ${problem.msg}.`);
}

/** Shows a refusal as the API words it. */
export async function orFail<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DomainError && error.code !== 'database_unavailable')
      throw new CommandFailed(error.message);
    throw error;
  }
}
