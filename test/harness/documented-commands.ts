import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A block of commands as a page shows it. */
export interface CommandBlock {
  readonly page: string;
  readonly text: string;
  readonly commands: readonly string[];
}

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort(),
];

const FENCE = /^ *```(?:sh|bash|shell|console)\n(.*?)^ *```$/gms;
const INLINE = /`((?:npm|npx|node|docker|curl) [^`]+)`/g;

/** The fenced blocks of README, CONTRIBUTING and docs that a shell runs. */
export function commandBlocks(): CommandBlock[] {
  return PAGES.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(FENCE)].map(([, text = '']) => ({
      page,
      text,
      commands: commandsOf(text),
    })),
  );
}

/** The commands inside sentences. */
export function inlineCommands(): { page: string; command: string }[] {
  return PAGES.flatMap((page) =>
    [
      ...readFileSync(page, 'utf8')
        .replaceAll(/^ *```.*?^ *```$/gms, '')
        .matchAll(INLINE),
    ].map(([, command = '']) => ({
      page,
      command: command.replaceAll(/\s+/g, ' '),
    })),
  );
}

/**
 * One command each, without comments. Quotes, `$(…)`, a backslash at the end of a line and `<<END` continue a
 * command.
 */
function commandsOf(text: string): string[] {
  const commands: string[] = [];
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    lines.push(line);
    const command = lines.join('\n').replaceAll(/\\\n\s*/g, '');
    const heredoc = /<<(\w+)/.exec(command)?.[1];
    const isOpen =
      line.endsWith('\\') || (command.match(/'/g)?.length ?? 0) % 2 === 1 || (heredoc && line !== heredoc);
    const isInside = count(command, '(') > count(command, ')');
    if (isOpen || isInside) continue;
    const bare = command.replace(/(?:^|\s+)# .*$/, '').trim();
    if (bare) commands.push(bare);
    lines = [];
  }
  if (lines.join('').trim()) throw new Error(`This command does not end:\n${lines.join('\n')}`);
  return commands;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
