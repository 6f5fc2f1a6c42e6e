import { InvalidArgumentError } from 'commander';
import { readPastTime } from '../common/past-time.js';

/** Reads an argument of a command. */
export function pastTime(text: string): Date {
  const time = readPastTime(text);
  if (!time) throw new InvalidArgumentError('It must be a time that has been, as 2026-11-01T00:00:00Z.');
  return time;
}
