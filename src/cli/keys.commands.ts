import { type Command, InvalidArgumentError } from 'commander';
import { retire } from './keys/retire.js';
import { rotateData } from './keys/rotate-data.js';
import { rotateMaster } from './keys/rotate-master.js';
import { status } from './keys/status.js';
import { verify } from './keys/verify.js';
import { reporting } from './output.js';

/** Seconds. A running server looks for news of the keys every two. */
const SHORTEST_WAIT = 5;
const USUAL_WAIT = 15;
const WAIT = [
  '--wait <seconds>',
  'how long to wait for a process that does not answer, until it is taken for ended',
  seconds,
  USUAL_WAIT,
] as const;

export function addKeysCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('Looks at the keys of the vault, and changes them while servers run.');

  keys
    .command('status')
    .summary('what keys there are, how old they are, and what is sealed under them')
    .description(
      'Lists the data keys with state, age, master key and rows, and the running processes with the keys that they have. Needs no master key.',
    )
    .action(reporting(status));

  keys
    .command('verify')
    .summary('open every seal')
    .description(
      'Opens everything that is sealed, and tells where something does not open: then it ends with 1. Prints no secret and changes nothing.',
    )
    .action(reporting(verify));

  keys
    .command('rotate-master')
    .summary('wrap the data keys by the first of the configured master keys')
    .description(
      'Wraps every data key anew, by the first of the configured master keys. The former ones must still be configured, after it; servers go on undisturbed.',
    )
    .action(reporting(rotateMaster));

  keys
    .command('rotate-data')
    .summary('make a new seal key and seal everything anew under it')
    .description(
      'Publishes a new data key, makes it primary once every running process has it, and seals all rows anew in short steps. If a rotation has begun and not ended, it finishes that one and makes no other key.',
    )
    .option(...WAIT)
    .action(reporting(rotateData));

  keys
    .command('retire')
    .summary('let a former seal key only open from now on')
    .description(
      'Retires a superseded data key. The database refuses it while a row needs the key, and from then on refuses every row that is sealed under it.',
    )
    .argument('<id>', 'the id of the data key')
    .option(...WAIT)
    .action(reporting(retire));
}

function seconds(text: string): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (value < SHORTEST_WAIT)
    throw new InvalidArgumentError(`It must be a whole number of seconds, ${SHORTEST_WAIT} or more.`);
  return value;
}
