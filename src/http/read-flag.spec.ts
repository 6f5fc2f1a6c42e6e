import { readFlag } from './read-flag.js';

it.each(['true', 'True', 'TRUE', '1', 't', 'y', 'Yes', 'on'])('takes %j for true', (text) => {
  expect(readFlag(text)).toBe(true);
});

it.each(['false', 'False', '0', 'f', 'n', 'no', 'OFF'])('takes %j for false', (text) => {
  expect(readFlag(text)).toBe(false);
});

it.each(['', ' true', 'maybe', '2', 'null', '01', 'ſ'])('takes %j for neither', (text) => {
  expect(readFlag(text)).toBeUndefined();
});
