import { NODE_ENVS, type Variable, VARIABLE_NAMES, VARIABLES } from './variables.js';

/** The text of `.env.example`. Each variable is empty there, which counts as not set, so that a plain copy changes nothing. */
export function envExample(): string {
  const entries = VARIABLE_NAMES.map((name) => {
    const variable: Variable<unknown> = VARIABLES[name];
    const notes = [variable.description, `Default: ${defaultOf(variable).join('; ') || 'none'}.`];
    return [...notes.map((note) => `# ${note.replaceAll('`', '')}`), `${name}=`].join('\n');
  });
  return `# Copy this file to .env and fill in what you need: an empty variable counts as not set.\n\n${entries.join('\n\n')}\n`;
}

/** The README's table, with its columns aligned as Prettier wants them. */
export function configurationTable(): string {
  const rows = [['Variable', 'Default', 'Meaning']];
  for (const name of VARIABLE_NAMES) {
    const variable: Variable<unknown> = VARIABLES[name];
    const meaning = variable.isSecret ? `${variable.description} Secret.` : variable.description;
    rows.push([`\`${name}\``, defaultOf(variable).join('; '), meaning.replaceAll('|', '\\|')]);
  }
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  );
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

/** Such as "`127.0.0.1`", "`0.0.0.0` in production". */
function defaultOf({ default: fallback }: Variable<unknown>): string[] {
  if (typeof fallback !== 'object') return fallback === undefined ? [] : [`\`${fallback}\``];
  const general = fallback.development;
  const exceptions = NODE_ENVS.filter((env) => fallback[env] !== general).map((env) => {
    const text = fallback[env];
    return text === undefined ? `required in ${env}` : `\`${text}\` in ${env}`;
  });
  return general === undefined ? exceptions : [`\`${general}\``, ...exceptions];
}
