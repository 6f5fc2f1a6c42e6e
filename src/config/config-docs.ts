import {
  isVariableName,
  NODE_ENVS,
  TOPICS,
  type Variable,
  type VariableName,
  VARIABLES,
} from './variables.js';

/** Maximum width of a comment in `.env.example`. */
const MAX_WIDTH = 110;

/** Returns the text of `.env.example`. Every variable is empty, so that a copy changes nothing. */
export function envExample(): string {
  const topics = Object.entries(TOPICS).map(([title, variables]) =>
    [`# ${title.toUpperCase()}`, ...namesOf(variables).map(entryOf)].join('\n\n'),
  );
  const head =
    '# Copy this file to .env and fill in what you need: an empty variable counts as not set.\n# The default of a setting is in its last line.';
  return `${head}\n\n${topics.join('\n\n')}\n`;
}

function entryOf(name: VariableName): string {
  const variable: Variable<unknown> = VARIABLES[name];
  const { summary, details = '' } = variable;
  const sentences = `${summary}. ${details}`.replaceAll('`', '').trim();
  const fallback = `Default: ${defaultOf(variable).replaceAll('`', '') || 'none'}.`;
  return [...wrap(sentences), fallback].map((line) => `# ${line}\n`).join('') + `${name}=`;
}

function wrap(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`.trim();
    if (line.length > MAX_WIDTH - 2) lines.push(word);
    else lines[lines.length - 1] = line;
  }
  return lines;
}

/** Returns the README's tables, one per topic, aligned like Prettier's. */
export function configurationTables(): string {
  return Object.entries(TOPICS)
    .map(([title, variables]) => `### ${title}\n\n${tableOf(namesOf(variables))}`)
    .join('\n\n');
}

function tableOf(names: VariableName[]): string {
  const rows = [['Variable', 'Default', 'Meaning']];
  for (const name of names) {
    const variable: Variable<unknown> = VARIABLES[name];
    const { summary, isSecret } = variable;
    rows.push([`\`${name}\``, defaultOf(variable), isSecret ? `${summary}. Secret` : summary]);
  }
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  );
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

function namesOf(variables: object): VariableName[] {
  return Object.keys(variables).filter(isVariableName);
}

/** For example "`127.0.0.1`; `0.0.0.0` in production". */
function defaultOf({ default: fallback }: Variable<unknown>): string {
  if (typeof fallback !== 'object') return fallback === undefined ? '' : `\`${fallback}\``;
  const general = fallback.development;
  const exceptions = NODE_ENVS.filter((env) => fallback[env] !== general).map((env) => {
    const text = fallback[env];
    return text === undefined ? `required in ${env}` : `\`${text}\` in ${env}`;
  });
  return (general === undefined ? exceptions : [`\`${general}\``, ...exceptions]).join('; ');
}
