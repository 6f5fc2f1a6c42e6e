import type { Secret } from '../common/secret.js';
import { developmentFile } from './environment.js';
import type { Environment } from './environment.js';
import { isGuessable, MUST_BE_RANDOM } from './guessable.js';
import { isSecureUrl } from './rules.js';
import { SecretFile } from './secret-file.js';
import type { MasterKeySource } from './settings.js';
import { VARIABLE_NAMES, VARIABLES } from './variables.js';

export const MASTER_KEY_VARIABLES = VARIABLE_NAMES.filter((name) =>
  /^(MASTER_KEY|VAULT_|AWS_KMS_)/.test(name),
);

/** Minimum estimate. 32 random bytes have about 155 bits. */
const MIN_KEY_BITS = 96;

/** Locates the configured master keys, in the order of MASTER_KEY_PROVIDER. */
export class MasterKeySources {
  readonly #keyFile: SecretFile<Secret[]> | undefined;

  constructor(private readonly env: Environment) {
    this.#keyFile = this.#uses('local') ? localKeyFile(env) : undefined;
  }

  /** @param makesMissing whether `open` may create a missing key in development */
  problems(makesMissing: boolean): string[] {
    const { env } = this;
    const [hasKey, hasKeyFile] = [env.isSet('MASTER_KEY'), env.isSet('MASTER_KEY_FILE')];
    const [usesLocal, usesVault, usesAws] = [this.#uses('local'), this.#uses('vault'), this.#uses('aws-kms')];
    const [hasToken, hasTokenFile] = [env.isSet('VAULT_TOKEN'), env.isSet('VAULT_TOKEN_FILE')];
    const isLocalKeyMissing = !hasKey && !hasKeyFile && env.nodeEnv !== 'development';
    const keys = this.#keyFile?.secret ?? env.optional('MASTER_KEY') ?? [];
    const hasWeakKey =
      env.nodeEnv === 'production' && keys.some((key) => isGuessable(key, MIN_KEY_BITS, 'base64'));
    const address = env.optional('VAULT_ADDR');

    const rules: [isBroken: boolean, problem: string][] = [
      [hasKey && hasKeyFile, 'MASTER_KEY must be left out when MASTER_KEY_FILE is set.'],
      [
        usesLocal && isLocalKeyMissing,
        `MASTER_KEY must be set in ${env.nodeEnv}, or MASTER_KEY_FILE instead of it.`,
      ],
      [
        !makesMissing && this.#isToBeMade,
        'No master key is configured: set MASTER_KEY or MASTER_KEY_FILE, or run this in the folder of the server.',
      ],
      [
        !usesLocal && (hasKey || hasKeyFile),
        `${hasKey ? 'MASTER_KEY' : 'MASTER_KEY_FILE'} must be left out unless MASTER_KEY_PROVIDER has local in it.`,
      ],
      [hasWeakKey, `${hasKeyFile ? 'MASTER_KEY_FILE' : 'MASTER_KEY'} ${MUST_BE_RANDOM}`],
      [
        usesVault && !env.isSet('VAULT_ADDR'),
        'VAULT_ADDR must be set when MASTER_KEY_PROVIDER has vault in it.',
      ],
      [
        usesVault && address !== undefined && !isSecureUrl(address),
        'VAULT_ADDR must be an https:// URL (http:// only on a loopback host).',
      ],
      [
        usesVault && !hasToken && !hasTokenFile,
        'VAULT_TOKEN must be set when MASTER_KEY_PROVIDER has vault in it, or VAULT_TOKEN_FILE.',
      ],
      [hasToken && hasTokenFile, 'VAULT_TOKEN_FILE must be left out when VAULT_TOKEN is set.'],
      [
        usesAws && !env.isSet('AWS_KMS_KEY_ID'),
        'AWS_KMS_KEY_ID must be set when MASTER_KEY_PROVIDER has aws-kms in it.',
      ],
    ];
    return [
      ...rules.filter(([isBroken]) => isBroken).map(([, problem]) => problem),
      ...(this.#keyFile?.problem ? [this.#keyFile.problem] : []),
    ];
  }

  /** Opens the master keys. In development, creates a missing one. */
  open(): MasterKeySource[] {
    return this.env.required('MASTER_KEY_PROVIDER').map((provider) => this.#open(provider));
  }

  /** Opens existing master keys and creates none. @returns `[]` if any is missing or invalid */
  openExisting(): MasterKeySource[] {
    const isWrong = this.env.problems(MASTER_KEY_VARIABLES).length > 0 || this.problems(false).length > 0;
    return isWrong ? [] : this.open();
  }

  get #isToBeMade(): boolean {
    return (
      this.#keyFile !== undefined && this.#keyFile.secret === undefined && this.#keyFile.problem === undefined
    );
  }

  #uses(provider: MasterKeySource['provider']): boolean {
    return (this.env.optional('MASTER_KEY_PROVIDER') ?? ['local']).includes(provider);
  }

  #open(provider: MasterKeySource['provider']): MasterKeySource {
    const { env } = this;
    switch (provider) {
      case 'local':
        return {
          provider,
          keys: this.#keyFile?.open() ?? env.required('MASTER_KEY'),
          place: this.#keyFile ? `the file ${this.#keyFile.path}` : 'the value of MASTER_KEY',
        };
      case 'vault':
        return {
          provider,
          address: env.required('VAULT_ADDR'),
          namespace: env.optional('VAULT_NAMESPACE'),
          mount: env.required('VAULT_TRANSIT_MOUNT'),
          keys: env.required('VAULT_TRANSIT_KEY'),
          token: env.optional('VAULT_TOKEN') ?? env.required('VAULT_TOKEN_FILE'),
        };
      case 'aws-kms':
        return { provider, keys: env.required('AWS_KMS_KEY_ID') };
    }
  }
}

function localKeyFile(env: Environment): SecretFile<Secret[]> | undefined {
  const path = env.optional('MASTER_KEY_FILE');
  if (path === undefined)
    return env.isSet('MASTER_KEY') ? undefined : developmentFile(env, 'master.key', 'MASTER_KEY');
  const advice = `MASTER_KEY_FILE must ${VARIABLES.MASTER_KEY_FILE.must}.`;
  return new SecretFile({ path, parse: VARIABLES.MASTER_KEY.parse, advice, mayCreate: false });
}
